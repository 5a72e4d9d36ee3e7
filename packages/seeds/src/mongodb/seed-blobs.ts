import { type Collection, type Db, type FindCursor, GridFSBucket, ObjectId, ReadPreference } from 'mongodb';
import { MAX_CONTENT_BYTES } from '../seed-archive.ts';
import { SeedError } from '../seed-error.ts';
import type { Answered } from './server-answer.ts';

/** The blobs of seeds in GridFS, where other programs look for them. Small: a seed fits into memory. */
export interface SeedBlobs {
  put(bytes: Uint8Array): Promise<ObjectId>;
  /** `undefined` when it is not there, or not whole. */
  read(id: ObjectId, signal?: AbortSignal): Promise<Uint8Array | undefined>;
  delete(id: ObjectId): Promise<void>;
  /** Removes blobs of ours that no seed points at, and chunks without a file, if they are from before then. Gives how many. */
  sweep(beforeMs: number): Promise<number>;
}

export interface SeedBlobsOptions {
  readonly db: Db;
  readonly bucket: string;
  readonly seeds: Collection;
  readonly metadata: Readonly<Record<string, string>>;
  readonly answered: Answered;
}

const FILENAME = 'seed';
const CHUNK_BYTES = 261_120;
const BATCH = 500;

export function createSeedBlobs(options: SeedBlobsOptions): SeedBlobs {
  const { db, bucket: bucketName, seeds, metadata, answered } = options;
  // As the records are: a member that lags behind does not have the blob yet that a record points at, and it would count as gone.
  const { primary: readPreference } = ReadPreference;
  const decided = { readPreference, writeConcern: { w: 'majority' } } as const;
  const bucket = new GridFSBucket(db, { bucketName, chunkSizeBytes: CHUNK_BYTES, ...decided });
  const files = db.collection(`${bucketName}.files`, decided);
  const chunks = db.collection(`${bucketName}.chunks`, decided);
  const isThere = async (id: ObjectId, signal?: AbortSignal): Promise<boolean> => {
    const found = await answered(
      (unwanted) => files.countDocuments({ _id: id }, { limit: 1, signal: unwanted }),
      signal,
    );
    return found > 0;
  };
  const remove = (id: ObjectId): Promise<void> => answered(() => bucket.delete(id));
  return {
    put: (bytes) =>
      answered(async (unwanted) => {
        const upload = bucket.openUploadStream(FILENAME, {
          metadata: { ...metadata, seedbed: seeds.collectionName },
        });
        unwanted.addEventListener('abort', () => upload.destroy(), { once: true });
        await new Promise<void>((resolve, reject) => {
          upload.once('finish', () => resolve());
          upload.on('error', reject);
          upload.once('close', () => reject(new Error('the upload was given up')));
          upload.end(bytes);
        });
        return upload.id;
      }),
    async read(id, signal) {
      if (!(await isThere(id, signal))) return undefined;
      try {
        return await answered((unwanted) => download(bucket, id, unwanted), signal);
      } catch (failure) {
        if (
          failure instanceof Error &&
          /ChunkIsMissing|FileNotFound|ChunkIsWrongSize|ExtraChunk/.test(failure.message)
        )
          return undefined;
        throw failure;
      }
    },
    async delete(id) {
      await remove(id).catch(async (failure: unknown) => {
        // Somebody else was quicker: they delete what they replace, too.
        if (await isThere(id)) throw failure;
      });
    },
    async sweep(beforeMs) {
      const before = ObjectId.createFromTime(Math.floor(beforeMs / 1000));
      const unused = await unusedFiles({ files, seeds, before, answered });
      for (const id of unused) await remove(id).catch(() => undefined);
      return unused.length + (await removeLooseChunks({ files, chunks, before, answered }));
    },
  };
}

async function download(bucket: GridFSBucket, id: ObjectId, unwanted: AbortSignal): Promise<Uint8Array> {
  const stream = bucket.openDownloadStream(id);
  unwanted.addEventListener('abort', () => stream.destroy(), { once: true });
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of stream as AsyncIterable<Uint8Array>) {
    length += piece.byteLength;
    if (length > MAX_CONTENT_BYTES)
      throw new SeedError(
        'too-large',
        `The blob ${id} is too large for a seed: ${MAX_CONTENT_BYTES} bytes are the most.`,
      );
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** What a cursor finds, each time it asks the server within the time for one answer. */
async function* answeredEach<T>(cursor: FindCursor<T>, answered: Answered): AsyncGenerator<T> {
  try {
    for (;;) {
      const found = await answered(() => cursor.next());
      if (found === null) return;
      yield found;
    }
  } finally {
    // Not waited for: whoever is silent is silent here too.
    cursor.close().catch(() => undefined);
  }
}

interface Sweep {
  readonly files: Collection;
  readonly before: ObjectId;
  readonly answered: Answered;
}

async function unusedFiles({
  files,
  seeds,
  before,
  answered,
}: Sweep & { readonly seeds: Collection }): Promise<ObjectId[]> {
  const own = { filename: FILENAME, 'metadata.seedbed': seeds.collectionName, _id: { $lt: before } };
  const ids: ObjectId[] = [];
  for await (const { _id } of answeredEach(files.find(own, { projection: { _id: 1 } }), answered))
    ids.push(_id);
  const used = new Set<string>();
  for await (const { blobId } of answeredEach(seeds.find({}, { projection: { blobId: 1 } }), answered))
    used.add(String(blobId));
  return ids.filter((id) => !used.has(String(id)));
}

/** What an upload leaves that was interrupted: chunks whose file was never written. */
async function removeLooseChunks({
  files,
  chunks,
  before,
  answered,
}: Sweep & { readonly chunks: Collection }): Promise<number> {
  let removed = 0;
  let batch: ObjectId[] = [];
  const remove = async (): Promise<void> => {
    const wanted = { _id: { $in: batch } };
    const present = await answered(() => files.find(wanted, { projection: { _id: 1 } }).toArray());
    const whole = new Set(present.map(({ _id }) => String(_id)));
    const loose = batch.filter((id) => !whole.has(String(id)));
    if (loose.length > 0) await answered(() => chunks.deleteMany({ files_id: { $in: loose } }));
    removed += loose.length;
    batch = [];
  };
  const first = { n: 0, files_id: { $lt: before } };
  const found = chunks.find(first, { projection: { files_id: 1 } });
  for await (const { files_id: id } of answeredEach(found, answered)) {
    batch.push(id);
    if (batch.length === BATCH) await remove();
  }
  await remove();
  return removed;
}
