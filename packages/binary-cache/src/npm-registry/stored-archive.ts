import { createHash, type Hash, randomUUID } from 'node:crypto';
import { constants, createReadStream, createWriteStream } from 'node:fs';
import { copyFile, type FileHandle, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Integrity, integrityHex, integrityOf } from '../integrity.ts';

/** How much of a file is there, and its digest so far. */
export interface Progressed {
  readonly hash: Hash;
  readonly size: number;
}

/** A partial file that nobody has written to for so long is taken over. */
const abandonedMs = 60_000;

/** Forgets what is there. */
export async function restart(file: FileHandle): Promise<Progressed> {
  await file.truncate(0);
  return { hash: createHash('sha512'), size: 0 };
}

export async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

/** What is there already, as if it had just been received. */
export async function hashExisting(file: FileHandle): Promise<Progressed> {
  const hash = createHash('sha512');
  const buffer = Buffer.allocUnsafe(1 << 20);
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, size);
    if (bytesRead === 0) return { hash, size };
    hash.update(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
}

/** Whether the archive is there; a damaged one is removed. */
export async function isIntact(path: string, integrity: Integrity): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const hash = createHash('sha512');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch {
    return false;
  }
  if (integrityOf(hash.digest()) === integrity) return true;
  await rm(path, { force: true });
  return false;
}

/**
 * Goes on with an abandoned partial file: renames it, which only one process can do, and copies it to `target`.
 * Whoever only stood still may write on, but not into the copy. What cannot be copied is as good as not there.
 */
export async function takeOverAbandoned(
  directory: string,
  integrity: Integrity,
  target: string,
): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${integrityHex(integrity)}.`) || !name.endsWith('.part')) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < abandonedMs) continue;
    const aside = join(directory, `${integrityHex(integrity)}.${randomUUID()}.part`);
    try {
      await rename(path, aside);
    } catch {
      // Somebody else was quicker.
      continue;
    }
    try {
      await copyFile(aside, target, constants.COPYFILE_FICLONE);
      return;
    } catch {
      await rm(target, { force: true });
    } finally {
      await rm(aside, { force: true });
    }
  }
}

/**
 * Gives a whole archive its name. Where another process has taken the partial file over meanwhile,
 * the archive that it has finished stands, or else a copy of this one gets the name.
 * Nobody but who opened the file writes to it, so that the digest it was received with is still its own.
 */
export async function publishArchive(
  file: FileHandle,
  { partial, complete, integrity }: { partial: string; complete: string; integrity: Integrity },
): Promise<void> {
  try {
    await rename(partial, complete);
    return;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  if (await isIntact(complete, integrity)) return;
  const again = partial.replace(/[^.]*\.part$/, `${randomUUID()}.part`);
  try {
    await pipeline(
      file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 }),
      createWriteStream(again, { flags: 'wx', mode: 0o600, flush: true }),
    );
    await rename(again, complete);
  } finally {
    await rm(again, { force: true });
  }
}
