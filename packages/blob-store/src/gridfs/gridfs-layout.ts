import type { Binary, Collection, Db, ObjectId } from 'mongodb';
import { type Answered, answeredWithin } from './server-answer.ts';

/** A document of `{bucket}.files`, as the GridFS specification has it; other writers' may differ where it is `unknown`. */
export interface FileDocument {
  readonly _id: ObjectId;
  readonly length: unknown;
  readonly chunkSize: unknown;
  readonly uploadDate: unknown;
  readonly filename?: unknown;
  readonly metadata?: unknown;
}

/** A document of `{bucket}.chunks`. */
export interface ChunkDocument {
  readonly _id: ObjectId;
  readonly files_id: ObjectId;
  readonly n: number;
  readonly data: Binary | Uint8Array;
}

export interface Bucket {
  readonly files: Collection<FileDocument>;
  readonly chunks: Collection<ChunkDocument>;
  readonly answered: Answered;
}

/** What was written is there when most members of a replica set have it, and the one that decides is asked: a blob does not vanish with a member. */
export function openBucket(db: Db, bucketName: string, answerMs: number): Bucket {
  const options = { writeConcern: { w: 'majority' as const }, readPreference: 'primary' as const };
  return {
    files: db.collection<FileDocument>(`${bucketName}.files`, options),
    chunks: db.collection<ChunkDocument>(`${bucketName}.chunks`, options),
    answered: answeredWithin(answerMs),
  };
}

export interface IndexOptions {
  /** `fs` by default. */
  readonly bucketName?: string;
}

/**
 * Makes the two indexes that the GridFS specification asks for, where they are missing: those that MongoDB's drivers make by themselves. To be called once, when a service is set up:
 * without the unique one on chunks two puts under one id would have to notice each other late, and reading a large blob is slow.
 */
export async function ensureIndexes(db: Db, { bucketName = 'fs' }: IndexOptions = {}): Promise<void> {
  await db.collection(`${bucketName}.files`).createIndex({ filename: 1, uploadDate: 1 });
  await db.collection(`${bucketName}.chunks`).createIndex({ files_id: 1, n: 1 }, { unique: true });
}
