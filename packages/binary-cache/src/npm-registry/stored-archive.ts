import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Makes an abandoned partial file ours by renaming it, which only one process can do. */
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
    try {
      await rename(path, target);
      return;
    } catch {
      // Somebody else was quicker.
    }
  }
}
