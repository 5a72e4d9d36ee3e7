import { randomBytes } from 'node:crypto';
import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { throwIfAborted } from '../abort.ts';
import { checkLabels, hasLabels } from '../blob-labels.ts';
import type { BlobId, BlobInfo, BlobStore, SweepReport } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { cancelsUnread } from '../body-pieces.ts';
import { byteRange } from '../byte-range.ts';
import { byteStream } from '../byte-source.ts';
import { checkFolder, checkTime } from '../option-values.ts';
import { damaged, readBlobFacts } from './blob-file.ts';
import { type BlobFolder, checkBlobId, openBlobFolder } from './blob-folder.ts';
import { writeBlob } from './blob-write.ts';
import { diskFailure, systemCode } from './disk-failure.ts';

export interface DirectoryBlobStoreOptions {
  /** Made where it is missing, for its owner alone. On a local file system with hard links; several programs may use it at once. */
  readonly folder: string;
}

const READ_BYTES = 256 * 1024;
const DAY_MS = 86_400_000;

/**
 * Blobs as files of a folder. A blob that was put survives a power cut; one that was deleted shortly before it may be there again.
 *
 * @throws {BlobStoreError} `invalid-config`; `io`, `no-space` when the folder can't be made.
 */
export async function openDirectoryBlobStore(options: DirectoryBlobStoreOptions): Promise<BlobStore> {
  checkFolder(options?.folder, 'folder');
  const place = resolve(options.folder);
  let folder: BlobFolder;
  try {
    folder = await openBlobFolder(place);
  } catch (error) {
    throw diskFailure(error, `open the blobs in ${place}`);
  }
  const label = `directory ${place}`;
  const createId = (): BlobId => randomBytes(16).toString('hex') as BlobId;
  return {
    label,
    createId,
    put: cancelsUnread(async (body, { id = createId(), labels = {}, signal } = {}) => {
      checkBlobId(id);
      checkLabels(labels);
      const attempt = `put blob ${id} into ${label}`;
      throwIfAborted(signal, attempt);
      await writeBlob(folder, body, { id, labels, signal, attempt });
      return id;
    }),
    async open(id, options = {}) {
      checkBlobId(id);
      const range = byteRange(options);
      const { signal } = options;
      const attempt = `read blob ${id} from ${label}`;
      throwIfAborted(signal, attempt);
      const file = await openFile(folder.fileOf(id), attempt);
      if (file === undefined) throw new BlobStoreError('not-found', `There is no blob ${id} in ${label}.`);
      try {
        const { info, contentAt } = await readBlobFacts(file, id);
        const end = Math.min(info.size, range.offset + range.length);
        const next = pieceReader(file, { id, at: contentAt + range.offset, end: contentAt + end, attempt });
        return byteStream({ next, close: () => file.close() }, { signal, attempt });
      } catch (error) {
        await file.close();
        throw diskFailure(error, attempt);
      }
    },
    async stat(id, { signal } = {}) {
      checkBlobId(id);
      const attempt = `look at blob ${id} in ${label}`;
      throwIfAborted(signal, attempt);
      return await readInfo(folder, id, attempt);
    },
    async delete(id, { signal } = {}) {
      checkBlobId(id);
      const attempt = `delete blob ${id} from ${label}`;
      throwIfAborted(signal, attempt);
      try {
        await rm(folder.fileOf(id), { force: true });
      } catch (error) {
        throw diskFailure(error, attempt);
      }
    },
    async *list({ labels = {}, signal } = {}) {
      const attempt = `list the blobs in ${label}`;
      throwIfAborted(signal, attempt);
      for await (const id of idsOf(folder, attempt)) {
        throwIfAborted(signal, attempt);
        const info = await readInfo(folder, id, attempt).catch(unlessDamaged);
        if (info !== undefined && hasLabels(info.labels, labels)) yield info;
      }
    },
    async sweep({ olderThanMs = DAY_MS, signal } = {}) {
      checkTime(olderThanMs, 'olderThanMs');
      const attempt = `sweep ${label}`;
      throwIfAborted(signal, attempt);
      try {
        return await sweepIncoming(folder, olderThanMs);
      } catch (error) {
        throw diskFailure(error, attempt);
      }
    },
  };
}

async function* idsOf(folder: BlobFolder, attempt: string): AsyncGenerator<BlobId> {
  try {
    yield* folder.ids();
  } catch (error) {
    throw diskFailure(error, attempt);
  }
}

/** `undefined` when there is no such file. */
async function openFile(path: string, attempt: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw diskFailure(error, attempt);
  }
}

async function readInfo(folder: BlobFolder, id: BlobId, attempt: string): Promise<BlobInfo | undefined> {
  const file = await openFile(folder.fileOf(id), attempt);
  try {
    return file && (await readBlobFacts(file, id)).info;
  } catch (error) {
    throw diskFailure(error, attempt);
  } finally {
    await file?.close();
  }
}

function unlessDamaged(error: unknown): undefined {
  if (error instanceof BlobStoreError && error.code === 'damaged') return undefined;
  throw error;
}

interface FilePart {
  readonly id: BlobId;
  readonly at: number;
  readonly end: number;
  readonly attempt: string;
}

function pieceReader(
  file: FileHandle,
  { id, at, end, attempt }: FilePart,
): () => Promise<Uint8Array | undefined> {
  let position = at;
  return async () => {
    if (position >= end) return undefined;
    try {
      const bytes = Buffer.allocUnsafe(Math.min(READ_BYTES, end - position));
      const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, position);
      if (bytesRead === 0) throw damaged(id, `${end - position} bytes are gone since it was opened`);
      position += bytesRead;
      return bytes.subarray(0, bytesRead);
    } catch (error) {
      throw diskFailure(error, attempt);
    }
  };
}

/** A file in which nothing was written for so long belongs to nobody any more. */
async function sweepIncoming({ incoming }: BlobFolder, olderThanMs: number): Promise<SweepReport> {
  let [removed, bytes] = [0, 0];
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const facts = await stat(path).catch((error: unknown) => {
      // Its put has come to an end meanwhile.
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (facts === undefined || facts.mtimeMs > Date.now() - olderThanMs) continue;
    await rm(path, { force: true });
    removed += 1;
    bytes += facts.nlink === 1 ? facts.size : 0;
  }
  return { removed, bytes };
}
