import assert from 'node:assert/strict';
import type { BlobId, BlobInfo, BlobStore, ListOptions } from '../../blob-store.ts';
import { BlobStoreError } from '../../blob-store-error.ts';

export interface CaseDefinition {
  readonly name: string;
  readonly check: (store: BlobStore) => Promise<void>;
}

/** `bytes` bytes of which no two stretches are alike. */
export function patternBytes(bytes: number): Buffer {
  const pattern = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 1) pattern[at] = (at * 31 + (at >> 8) * 7 + (at >> 16)) & 0xff;
  return pattern;
}

/** The bytes in pieces of this size, each made when it is asked for. */
export function inPieces(bytes: Uint8Array, pieceBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (at >= bytes.byteLength) return controller.close();
        controller.enqueue(bytes.slice(at, at + pieceBytes));
        at += pieceBytes;
      },
    },
    { highWaterMark: 0 },
  );
}

export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function readBlob(store: BlobStore, id: BlobId, options: object = {}): Promise<Buffer> {
  return await bytesOf(await store.open(id, options));
}

export async function listed(store: BlobStore, options: ListOptions = {}): Promise<readonly BlobInfo[]> {
  const infos: BlobInfo[] = [];
  for await (const info of store.list(options)) infos.push(info);
  return infos.sort((a, b) => a.createdMs - b.createdMs);
}

export async function listedIds(store: BlobStore, options: ListOptions = {}): Promise<readonly string[]> {
  return (await listed(store, options)).map(({ id }) => String(id)).sort();
}

/** Says that `promise` rejects with a `BlobStoreError` of this code, and gives it. */
export async function rejectsWith(promise: Promise<unknown>, code: string): Promise<BlobStoreError> {
  const failure = await promise.then(
    () => assert.fail(`resolved, where it should have failed with ${code}`),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof BlobStoreError, `rejects with a BlobStoreError, got ${String(failure)}`);
  assert.equal(failure.code, code, failure.message);
  return failure;
}
