import { type Collection, type Db, GridFSBucket, ObjectId } from 'mongodb';
import { MAX_CONTENT_BYTES } from '../seed-archive.ts';
import { SeedError } from '../seed-error.ts';

/** The blobs of seeds in GridFS, where other programs look for them. Small: a seed fits into memory. */
export interface SeedBlobs {
  put(bytes: Uint8Array): Promise<ObjectId>;
  /** `undefined` when it is not there, or not whole. */
  read(id: ObjectId): Promise<Uint8Array | undefined>;
  delete(id: ObjectId): Promise<void>;
  /** Removes blobs of ours that no seed points at, and chunks without a file, if they are from before then. Gives how many. */
  sweep(beforeMs: number): Promise<number>;
}

export interface SeedBlobsOptions {
  readonly db: Db;
  readonly bucket: string;
  readonly seeds: Collection;
  readonly metadata: Readonly<Record<string, string>>;
}

const FILENAME = 'seed';
const CHUNK_BYTES = 261_120;
const BATCH = 500;

export function createSeedBlobs({ db, bucket: bucketName, seeds, metadata }: SeedBlobsOptions): SeedBlobs {
  const durable = { w: 'majority' } as const;
  const bucket = new GridFSBucket(db, { bucketName, chunkSizeBytes: CHUNK_BYTES, writeConcern: durable });
  const files = db.collection(`${bucketName}.files`);
  const chunks = db.collection(`${bucketName}.chunks`);
  const isThere = async (id: ObjectId): Promise<boolean> =>
    (await files.countDocuments({ _id: id }, { limit: 1 })) > 0;
  return {
    async put(bytes) {
      const upload = bucket.openUploadStream(FILENAME, {
        metadata: { ...metadata, seedbed: seeds.collectionName },
      });
      await new Promise<void>((resolve, reject) => {
        upload.once('finish', () => resolve());
        upload.once('error', reject);
        upload.end(bytes);
      });
      return upload.id;
    },
    async read(id) {
      if (!(await isThere(id))) return undefined;
      const pieces: Uint8Array[] = [];
      let length = 0;
      try {
        for await (const piece of bucket.openDownloadStream(id) as AsyncIterable<Uint8Array>) {
          length += piece.byteLength;
          if (length > MAX_CONTENT_BYTES)
            throw new SeedError(
              'too-large',
              `The blob ${id} is too large for a seed: ${MAX_CONTENT_BYTES} bytes are the most.`,
            );
          pieces.push(piece);
        }
      } catch (failure) {
        if (
          failure instanceof Error &&
          /ChunkIsMissing|FileNotFound|ChunkIsWrongSize|ExtraChunk/.test(failure.message)
        )
          return undefined;
        throw failure;
      }
      return Buffer.concat(pieces);
    },
    async delete(id) {
      await bucket.delete(id).catch(async (failure: unknown) => {
        // Somebody else was quicker: they delete what they replace, too.
        if (await isThere(id)) throw failure;
      });
    },
    async sweep(beforeMs) {
      const before = ObjectId.createFromTime(Math.floor(beforeMs / 1000));
      const unused = await unusedFiles({ files, seeds, before });
      for (const id of unused) await bucket.delete(id).catch(() => undefined);
      return unused.length + (await removeLooseChunks({ files, chunks, before }));
    },
  };
}

interface Sweep {
  readonly files: Collection;
  readonly before: ObjectId;
}

async function unusedFiles({
  files,
  seeds,
  before,
}: Sweep & { readonly seeds: Collection }): Promise<ObjectId[]> {
  const own = { filename: FILENAME, 'metadata.seedbed': seeds.collectionName, _id: { $lt: before } };
  const ids = (await files.find(own, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id);
  const used = new Set<string>();
  for await (const { blobId } of seeds.find({}, { projection: { blobId: 1 } })) used.add(String(blobId));
  return ids.filter((id) => !used.has(String(id)));
}

/** What an upload leaves that was interrupted: chunks whose file was never written. */
async function removeLooseChunks({
  files,
  chunks,
  before,
}: Sweep & { readonly chunks: Collection }): Promise<number> {
  let removed = 0;
  let batch: ObjectId[] = [];
  const remove = async (): Promise<void> => {
    const present = await files.find({ _id: { $in: batch } }, { projection: { _id: 1 } }).toArray();
    const whole = new Set(present.map(({ _id }) => String(_id)));
    const loose = batch.filter((id) => !whole.has(String(id)));
    if (loose.length > 0) await chunks.deleteMany({ files_id: { $in: loose } });
    removed += loose.length;
    batch = [];
  };
  const first = { n: 0, files_id: { $lt: before } };
  for await (const { files_id: id } of chunks.find(first, { projection: { files_id: 1 } })) {
    batch.push(id);
    if (batch.length === BATCH) await remove();
  }
  await remove();
  return removed;
}
