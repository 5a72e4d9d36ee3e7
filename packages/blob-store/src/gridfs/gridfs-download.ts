import type { ObjectId } from 'mongodb';
import { BlobStoreError } from '../blob-store-error.ts';
import type { ByteRange } from '../byte-range.ts';
import { byteStream } from '../byte-source.ts';
import type { FileFacts } from './file-facts.ts';
import type { Bucket, ChunkDocument } from './gridfs-layout.ts';
import type { Question } from './server-answer.ts';

/** How much is asked for at once. */
const BATCH_BYTES = 4 * 1024 * 1024;

export interface Download extends FileFacts, Question {
  readonly id: ObjectId;
  readonly range: ByteRange;
}

/**
 * Asks for a few chunks at a time, each time anew: no cursor is kept that a server forgets while the reader is slow, and that a broken connection takes along.
 * Each chunk has to be the next one, of the length that it should have.
 */
export function downloadStream({ chunks, answered }: Bucket, download: Download): ReadableStream<Uint8Array> {
  const { id, size, chunkSize, range, signal, attempt } = download;
  const end = Math.min(size, range.offset + range.length);
  const batchChunks = Math.max(1, Math.floor(BATCH_BYTES / chunkSize));
  const lastWanted = Math.ceil(end / chunkSize) - 1;
  let batch: ChunkDocument[] = [];
  let position = range.offset;
  const fill = async (n: number): Promise<void> => {
    const before = Math.min(n + batchChunks, lastWanted + 1);
    const found = chunks
      .find({ files_id: id, n: { $gte: n, $lt: before } }, { projection: { _id: 0, n: 1, data: 1 } })
      .sort({ n: 1 })
      .toArray();
    batch = await answered(found, { signal, attempt });
  };
  const next = async (): Promise<Uint8Array | undefined> => {
    if (position >= end) return undefined;
    const n = Math.floor(position / chunkSize);
    if (batch.length === 0) await fill(n);
    const bytes = chunkBytes(batch.shift(), { n, id, length: Math.min(chunkSize, size - n * chunkSize) });
    const from = position - n * chunkSize;
    position = Math.min(end, (n + 1) * chunkSize);
    return bytes.subarray(from, position - n * chunkSize);
  };
  return byteStream({ next, close: () => undefined }, { signal, attempt });
}

function chunkBytes(
  chunk: ChunkDocument | undefined,
  { n, id, length }: { readonly n: number; readonly id: ObjectId; readonly length: number },
): Uint8Array {
  const damaged = (what: string): BlobStoreError =>
    new BlobStoreError('damaged', `Blob ${id.toHexString()} is damaged: ${what}.`);
  if (chunk === undefined) throw damaged(`chunk ${n} is missing`);
  if (chunk.n !== n) throw damaged(`chunk ${chunk.n} stands where chunk ${n} should`);
  const { data } = chunk;
  const bytes = data instanceof Uint8Array ? data : data.buffer.subarray(0, data.position);
  if (bytes.byteLength !== length) throw damaged(`chunk ${n} has ${bytes.byteLength} bytes of ${length}`);
  return bytes;
}
