import { Binary, Long, ObjectId } from 'mongodb';
import { throwIfAborted } from '../abort.ts';
import type { BlobLabels } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { bodyPieces } from '../body-pieces.ts';
import { createWaitingBytes } from '../waiting-bytes.ts';
import { alreadyExists, gridFsFailure } from './gridfs-failure.ts';
import type { Bucket } from './gridfs-layout.ts';
import type { Question } from './server-answer.ts';

/** Chunks that are under way to the server at the same time. */
const UNDER_WAY = 3;
const DELETED_AT_ONCE = 1_000;
const MAX_INT32 = 0x7fff_ffff;

export interface Upload extends Question {
  readonly id: ObjectId;
  readonly filename: string;
  readonly labels: BlobLabels;
  readonly chunkSize: number;
}

/**
 * Chunks first, then the one document that makes them a blob. Whoever fails before that removes the chunks that it wrote itself, and no others: the id may be another put's as well.
 */
export async function upload(
  bucket: Bucket,
  body: ReadableStream<Uint8Array> | Uint8Array,
  options: Upload,
): Promise<void> {
  const { id, filename, labels, chunkSize, signal, attempt } = options;
  const chunks = chunkWriter(bucket, options);
  try {
    for await (const data of inChunks(bodyPieces(body, { signal, attempt }), chunkSize)) {
      await chunks.write(data);
    }
    await chunks.settled();
    throwIfAborted(signal, attempt);
  } catch (error) {
    const failure = gridFsFailure(error, attempt);
    if (failure.code !== 'unavailable') await chunks.remove();
    throw failure.code === 'already-exists' ? await takenBy(bucket, options) : failure;
  }
  const size = chunks.size();
  const file = {
    _id: id,
    length: size > MAX_INT32 ? Long.fromNumber(size) : size,
    chunkSize,
    uploadDate: new Date(),
    filename,
    ...(Object.keys(labels).length > 0 && { metadata: { ...labels } }),
  };
  try {
    // Not to be called off: whether it is there has to be known.
    await bucket.answered(bucket.files.insertOne(file), { attempt, signal: undefined });
  } catch (error) {
    const failure = gridFsFailure(error, attempt);
    // When no answer came, the document may be there: then its chunks have to be, too. Otherwise they are swept.
    if (failure.code !== 'unavailable') await chunks.remove();
    throw failure;
  }
}

/** Somebody else's chunks lie under this id: those of a blob, or of a put that has not come to its end. */
async function takenBy(
  { files, answered }: Bucket,
  { id, attempt, signal }: Upload,
): Promise<BlobStoreError> {
  const file = await answered(files.findOne({ _id: id }, { projection: { _id: 1 } }), { attempt, signal });
  if (file !== null) return alreadyExists(attempt);
  return new BlobStoreError(
    'id-in-use',
    `Could not ${attempt}: another put under this id is under way, or was interrupted and not swept yet. Take a fresh id.`,
  );
}

interface ChunkWriter {
  /** Resolves when there is room for the next one. Fails when one before failed. */
  write(data: Uint8Array): Promise<void>;
  /** Resolves when all are there. */
  settled(): Promise<void>;
  size(): number;
  /** Removes what was written here; what the server does not let go of within the time of one answer is swept. Never rejects. */
  remove(): Promise<void>;
}

function chunkWriter({ chunks, answered }: Bucket, { id, signal, attempt }: Upload): ChunkWriter {
  const underWay: Promise<unknown>[] = [];
  // An insertion that nobody waits for any more may still be carried out, and after a deletion that was sent later.
  const inserting = new Set<Promise<unknown>>();
  const written: ObjectId[] = [];
  let size = 0;
  const settled = async (): Promise<void> => {
    for (const each of underWay.splice(0)) await each;
  };
  const removeAll = async (): Promise<void> => {
    await Promise.allSettled(inserting);
    for (let at = 0; at < written.length; at += DELETED_AT_ONCE) {
      await chunks.deleteMany({ _id: { $in: written.slice(at, at + DELETED_AT_ONCE) } });
    }
  };
  return {
    async write(data) {
      const _id = new ObjectId();
      const n = written.length;
      written.push(_id);
      size += data.byteLength;
      const chunk = { _id, files_id: id, n, data: new Binary(data) };
      const inserted = chunks.insertOne(chunk);
      inserting.add(inserted);
      const forget = (): void => void inserting.delete(inserted);
      inserted.then(forget, forget);
      const insert = answered(inserted, { signal, attempt });
      insert.catch(() => undefined);
      underWay.push(insert);
      if (underWay.length >= UNDER_WAY) await underWay.shift();
    },
    settled,
    size: () => size,
    async remove() {
      await answered(removeAll(), { attempt, signal: undefined }).catch(() => undefined);
    },
  };
}

/** The same bytes in pieces of exactly this size, the last one of what is left. */
async function* inChunks(
  pieces: AsyncIterable<Uint8Array>,
  chunkSize: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  const waiting = createWaitingBytes();
  for await (const piece of pieces) {
    waiting.add(piece);
    while (waiting.size() >= chunkSize) yield waiting.take(chunkSize);
  }
  if (waiting.size() > 0) yield waiting.take(chunkSize);
}
