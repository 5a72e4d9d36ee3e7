import { type Db, type Filter, ObjectId } from 'mongodb';
import { throwIfAborted } from '../abort.ts';
import { checkLabels, hasLabels } from '../blob-labels.ts';
import type { BlobId, BlobInfo, BlobLabels, BlobStore } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';
import { cancelsUnread } from '../body-pieces.ts';
import { byteRange } from '../byte-range.ts';
import { checkTime, invalid, timerMs } from '../option-values.ts';
import { blobInfo, fileFacts } from './file-facts.ts';
import { downloadStream } from './gridfs-download.ts';
import { alreadyExists } from './gridfs-failure.ts';
import { type Bucket, type FileDocument, openBucket } from './gridfs-layout.ts';
import { sweepChunks } from './gridfs-sweep.ts';
import { upload } from './gridfs-upload.ts';
import type { Question } from './server-answer.ts';

export interface GridFsBlobStoreOptions {
  /** `fs` by default, MongoDB's own. */
  readonly bucketName?: string;
  /** How large a chunk is. 261,120 by default, MongoDB's own. */
  readonly chunkSizeBytes?: number;
  /** The `filename` of every blob; then only files of that name are listed, so that a bucket can be shared. By default it is the blob's id, and all are listed. */
  readonly filename?: string;
  /** How long the server may take for each answer, in milliseconds. 30,000 by default. A put that is aborted waits as long at the most until what it had sent is removed. */
  readonly answerMs?: number;
}

const CHUNK_BYTES = 255 * 1024;
/** A document of MongoDB has 16 MiB at the most, and a chunk has its id beside its bytes. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024 - 1024;
const ANSWER_MS = 30_000;
const DAY_MS = 86_400_000;

/**
 * Blobs in GridFS: any tool that knows it reads and writes them. A blob's labels are the text members of its file's `metadata`.
 *
 * Makes no index: call `ensureIndexes` when a service is set up. It keeps no connection of its own; `db` is the caller's to close.
 *
 * @throws {BlobStoreError} `invalid-config`.
 */
export function createGridFsBlobStore(db: Db, options: GridFsBlobStoreOptions = {}): BlobStore {
  const { bucketName = 'fs', chunkSizeBytes = CHUNK_BYTES, filename, answerMs = ANSWER_MS } = options;
  checkTime(answerMs, 'answerMs', 1);
  if (!Number.isInteger(chunkSizeBytes) || chunkSizeBytes < 1 || chunkSizeBytes > MAX_CHUNK_BYTES)
    throw invalid('chunkSizeBytes', `a whole number from 1 to ${MAX_CHUNK_BYTES}`, chunkSizeBytes);
  const bucket = openBucket(db, bucketName, timerMs(answerMs));
  const label = `gridfs ${db.databaseName}.${bucketName}`;
  const createId = (): BlobId => new ObjectId().toHexString() as BlobId;
  return {
    label,
    createId,
    put: cancelsUnread(async (body, { id, labels = {}, signal } = {}) => {
      const own = id === undefined ? new ObjectId() : parseId(id);
      const attempt = `put blob ${own.toHexString()} into ${label}`;
      checkLabels(labels);
      throwIfAborted(signal, attempt);
      // A fresh id is nobody else's.
      if (id !== undefined && (await findFile(bucket, own, { signal, attempt })) !== null) {
        throw alreadyExists(attempt);
      }
      const name = filename ?? own.toHexString();
      await upload(bucket, body, {
        id: own,
        filename: name,
        labels,
        chunkSize: chunkSizeBytes,
        signal,
        attempt,
      });
      return own.toHexString() as BlobId;
    }),
    async open(id, options = {}) {
      const own = parseId(id);
      const range = byteRange(options);
      const { signal } = options;
      const attempt = `read blob ${id} from ${label}`;
      throwIfAborted(signal, attempt);
      const file = await findFile(bucket, own, { signal, attempt });
      if (file === null) throw new BlobStoreError('not-found', `There is no blob ${id} in ${label}.`);
      return downloadStream(bucket, { ...fileFacts(file), id: own, range, signal, attempt });
    },
    async stat(id, { signal } = {}) {
      const own = parseId(id);
      const attempt = `look at blob ${id} in ${label}`;
      throwIfAborted(signal, attempt);
      const file = await findFile(bucket, own, { signal, attempt });
      return file === null ? undefined : blobInfo(file);
    },
    async delete(id, { signal } = {}) {
      const own = parseId(id);
      const attempt = `delete blob ${id} from ${label}`;
      throwIfAborted(signal, attempt);
      await deleteFile(bucket, own, { signal, attempt });
    },
    async *list({ labels = {}, signal } = {}) {
      const attempt = `list the blobs in ${label}`;
      throwIfAborted(signal, attempt);
      for await (const file of listFiles(bucket, fileFilter(labels, filename), { signal, attempt })) {
        const info = infoIfWhole(file);
        if (info !== undefined && hasLabels(info.labels, labels)) yield info;
      }
    },
    async sweep({ olderThanMs = DAY_MS, signal } = {}) {
      checkTime(olderThanMs, 'olderThanMs');
      const attempt = `sweep ${label}`;
      throwIfAborted(signal, attempt);
      return await sweepChunks(bucket, { olderThanMs, signal, attempt });
    },
  };
}

async function findFile(
  { files, answered }: Bucket,
  id: ObjectId,
  question: Question,
): Promise<FileDocument | null> {
  return await answered(files.findOne({ _id: id }), question);
}

/** First the document that makes it a blob: chunks that are left, should this be interrupted, are swept. */
async function deleteFile(
  { files, chunks, answered }: Bucket,
  id: ObjectId,
  question: Question,
): Promise<void> {
  await answered(files.deleteOne({ _id: id }), question);
  await answered(chunks.deleteMany({ files_id: id }), question);
}

async function* listFiles(
  { files, answered }: Bucket,
  filter: Filter<FileDocument>,
  question: Question,
): AsyncGenerator<FileDocument, void, undefined> {
  const cursor = files.find(filter);
  try {
    for (;;) {
      const file = await answered(cursor.next(), question);
      if (file === null) return;
      yield file;
    }
  } finally {
    cursor.close().catch(() => undefined);
  }
}

/** Another program's files may be called otherwise than by an `ObjectId`, or be none that can be read. */
function infoIfWhole(file: FileDocument): BlobInfo | undefined {
  try {
    return file._id instanceof ObjectId ? blobInfo(file) : undefined;
  } catch (error) {
    if (error instanceof BlobStoreError && error.code === 'damaged') return undefined;
    throw error;
  }
}

function fileFilter(labels: BlobLabels, filename: string | undefined): Filter<FileDocument> {
  checkLabels(labels);
  return {
    ...(filename !== undefined && { filename }),
    ...Object.fromEntries(Object.entries(labels).map(([name, value]) => [`metadata.${name}`, value])),
  };
}

/** @throws {BlobStoreError} `invalid-id`. */
function parseId(id: BlobId): ObjectId {
  if (!/^[0-9a-f]{24}$/.test(id)) {
    throw new BlobStoreError(
      'invalid-id',
      `No blob in GridFS is called ${JSON.stringify(id)}: its name has 24 hexadecimal digits.`,
    );
  }
  return ObjectId.createFromHexString(id);
}
