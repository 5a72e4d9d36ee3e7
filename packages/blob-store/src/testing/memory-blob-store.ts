import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../abort.ts';
import { checkLabels, hasLabels } from '../blob-labels.ts';
import type { BlobId, BlobInfo, BlobStore } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { bodyPieces, cancelsUnread } from '../body-pieces.ts';
import { byteRange } from '../byte-range.ts';
import { byteStream } from '../byte-source.ts';
import { checkTime } from '../option-values.ts';

/**
 * Where a fault can strike. `put` before anything, `put-commit` when all bytes have come and nothing is there yet, `put-answer` when the blob is there and
 * its caller does not know; `read` before each piece of an opened blob; `delete-answer` when it is gone and its caller does not know.
 */
export type MemoryBlobOperation =
  | 'put'
  | 'put-commit'
  | 'put-answer'
  | 'open'
  | 'read'
  | 'stat'
  | 'delete'
  | 'delete-answer'
  | 'list'
  | 'sweep';

export interface MemoryBlobStoreOptions {
  /**
   * Asked at each step; what it gives is thrown there, and what it waits for is waited for. `id` is `undefined` for `list` and `sweep`.
   * A fault at `put-commit` leaves what a crash would: nothing that is listed, and something to sweep.
   */
  readonly faults?: (
    operation: MemoryBlobOperation,
    id: BlobId | undefined,
  ) => BlobStoreError | undefined | Promise<BlobStoreError | undefined>;
}

/** A store in memory that keeps the contract, and can be made to fail. */
export interface MemoryBlobStore extends BlobStore {
  /** What lies in the store for a blob: sealed, if it was put through `sealBlobs`. */
  bytesOf(id: BlobId): Uint8Array;
  /** Damages a blob: it has these bytes from now on. */
  replaceBytes(id: BlobId, bytes: Uint8Array): void;
}

/** How much a reader is given at once. */
const PIECE_BYTES = 64 * 1024;
const DAY_MS = 86_400_000;

interface Kept {
  readonly info: BlobInfo;
  readonly bytes: Uint8Array;
}

export function createMemoryBlobStore({ faults }: MemoryBlobStoreOptions = {}): MemoryBlobStore {
  const blobs = new Map<BlobId, Kept>();
  const interrupted = new Map<string, { readonly bytes: number; readonly sinceMs: number }>();
  const reach = async (operation: MemoryBlobOperation, id?: BlobId): Promise<void> => {
    const fault = await faults?.(operation, id);
    if (fault !== undefined) throw fault;
  };
  const kept = (id: BlobId): Kept => {
    const blob = blobs.get(id);
    if (blob === undefined) throw new BlobStoreError('not-found', `There is no blob ${id} in memory.`);
    return blob;
  };
  return {
    label: 'memory',
    createId: () => blobId(randomUUID()),
    put: cancelsUnread(async (body, { id = blobId(randomUUID()), labels = {}, signal } = {}) => {
      blobId(id);
      checkLabels(labels);
      const attempt = `put blob ${id} into memory`;
      throwIfAborted(signal, attempt);
      await reach('put', id);
      const pieces: Uint8Array[] = [];
      for await (const piece of bodyPieces(body, { signal, attempt })) pieces.push(piece);
      const bytes = new Uint8Array(Buffer.concat(pieces));
      interrupted.set(id, { bytes: bytes.byteLength, sinceMs: Date.now() });
      await reach('put-commit', id);
      interrupted.delete(id);
      if (blobs.has(id))
        throw new BlobStoreError('already-exists', `There is a blob ${id} in memory already.`);
      const info = { id, size: bytes.byteLength, createdMs: Date.now(), labels: { ...labels } };
      blobs.set(id, { info, bytes });
      await reach('put-answer', id);
      return id;
    }),
    async open(id, options = {}) {
      blobId(id);
      const { offset, length } = byteRange(options);
      const attempt = `read blob ${id} from memory`;
      throwIfAborted(options.signal, attempt);
      await reach('open', id);
      const { bytes } = kept(id);
      const end = Math.min(bytes.byteLength, offset + length);
      let at = offset;
      const next = async (): Promise<Uint8Array | undefined> => {
        await reach('read', id);
        if (at >= end) return undefined;
        const piece = bytes.slice(at, Math.min(end, at + PIECE_BYTES));
        at += piece.byteLength;
        return piece;
      };
      return byteStream({ next, close: () => undefined }, { signal: options.signal, attempt });
    },
    async stat(id, { signal } = {}) {
      blobId(id);
      throwIfAborted(signal, `look at blob ${id} in memory`);
      await reach('stat', id);
      return blobs.get(id)?.info;
    },
    async delete(id, { signal } = {}) {
      blobId(id);
      throwIfAborted(signal, `delete blob ${id} from memory`);
      await reach('delete', id);
      blobs.delete(id);
      await reach('delete-answer', id);
    },
    async *list({ labels = {}, signal } = {}) {
      throwIfAborted(signal, 'list the blobs in memory');
      await reach('list');
      for (const { info } of [...blobs.values()]) {
        throwIfAborted(signal, 'list the blobs in memory');
        if (hasLabels(info.labels, labels)) yield info;
      }
    },
    async sweep({ olderThanMs = DAY_MS, signal } = {}) {
      checkTime(olderThanMs, 'olderThanMs');
      throwIfAborted(signal, 'sweep the blobs in memory');
      await reach('sweep');
      const old = [...interrupted].filter(([, { sinceMs }]) => sinceMs <= Date.now() - olderThanMs);
      for (const [id] of old) interrupted.delete(id);
      return { removed: old.length, bytes: old.reduce((sum, [, { bytes }]) => sum + bytes, 0) };
    },
    bytesOf: (id) => kept(id).bytes.slice(),
    replaceBytes(id, bytes) {
      const { info } = kept(id);
      blobs.set(id, { info: { ...info, size: bytes.byteLength }, bytes: bytes.slice() });
    },
  };
}

function blobId(text: string): BlobId {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) {
    throw new BlobStoreError('invalid-id', `No blob in memory is called ${JSON.stringify(text)}.`);
  }
  return text as BlobId;
}
