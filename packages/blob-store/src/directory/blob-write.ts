import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import type { BlobId, BlobLabels } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { bodyPieces } from '../body-pieces.ts';
import { blobFileHeader, fillInSize } from './blob-file.ts';
import { type BlobFolder, syncFolder } from './blob-folder.ts';
import { diskFailure, systemCode } from './disk-failure.ts';

/** Small pieces are gathered up to this, so that each costs no write of its own. */
const GATHERED_BYTES = 256 * 1024;
/** What one `writev` may be given (IOV_MAX). */
const MAX_PARTS = 1_024;

export interface BlobWrite {
  readonly id: BlobId;
  readonly labels: BlobLabels;
  readonly signal: AbortSignal | undefined;
  readonly attempt: string;
}

/**
 * Writes the whole file aside, brings it to the disk, and gives it its name as the last step: a name that is taken is not given again.
 * When this resolves, a power cut takes nothing of it.
 */
export async function writeBlob(
  folder: BlobFolder,
  body: ReadableStream<Uint8Array> | Uint8Array,
  write: BlobWrite,
): Promise<void> {
  const { id, signal, attempt } = write;
  const aside = join(folder.incoming, `${id}.${randomBytes(8).toString('hex')}`);
  try {
    await writeAside(aside, body, write);
    const target = folder.fileOf(id);
    await folder.prepare(id);
    throwIfAborted(signal, attempt);
    await publish(aside, target, id);
    await syncFolder(dirname(target));
  } catch (error) {
    throw diskFailure(error, attempt);
  } finally {
    await rm(aside, { force: true }).catch(() => undefined);
  }
}

async function writeAside(
  path: string,
  body: ReadableStream<Uint8Array> | Uint8Array,
  { labels, signal, attempt }: BlobWrite,
): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    const header = blobFileHeader({ createdMs: Date.now(), labels });
    let parts: Uint8Array[] = [header];
    let partBytes = header.byteLength;
    let size = 0;
    for await (const piece of bodyPieces(body, { signal, attempt })) {
      size += piece.byteLength;
      parts.push(piece);
      partBytes += piece.byteLength;
      if (partBytes < GATHERED_BYTES && parts.length < MAX_PARTS) continue;
      await writeAll(file, parts);
      [parts, partBytes] = [[], 0];
    }
    await writeAll(file, parts);
    await fillInSize(file, size);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** All of them, in one go as far as the system takes them. */
async function writeAll(file: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  let left = parts;
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    left = left.flatMap((part) => {
      const done = Math.min(part.byteLength, bytesWritten);
      bytesWritten -= done;
      return done < part.byteLength ? [part.subarray(done)] : [];
    });
  }
}

/** A second name for the file, not a new one instead of the old: the file system refuses a name that is taken. */
async function publish(aside: string, target: string, id: BlobId): Promise<void> {
  try {
    await link(aside, target);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') {
      throw new BlobStoreError('already-exists', `There is a blob ${id} already; it was left as it is.`);
    }
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP') {
      throw new BlobStoreError(
        'io',
        `Could not give blob ${id} its name: this file system has no hard links. Keep the folder on one that has.`,
        { cause: error },
      );
    }
    throw error;
  }
}
