import { ObjectId } from 'mongodb';
import type { SweepReport } from '../blob-store.ts';
import type { Bucket } from './gridfs-layout.ts';
import type { Question } from './server-answer.ts';

/** As many ids are looked up at once. */
const LOOKED_UP_AT_ONCE = 500;

export interface SweepOptions extends Question {
  readonly olderThanMs: number;
}

/**
 * Removes chunks that belong to no files document and the youngest of which is older than that, by the time in the chunk's own id: the id of a file may be made long before its bytes come.
 * Chunks whose ids hold no time are another program's, and left alone.
 */
export async function sweepChunks(bucket: Bucket, options: SweepOptions): Promise<SweepReport> {
  let removed = 0;
  let ids: ObjectId[] = [];
  const look = async (): Promise<void> => {
    for (const id of await withoutFile(bucket, ids, options)) {
      if (await removeIfOld(bucket, id, options)) removed += 1;
    }
    ids = [];
  };
  const owners = bucket.chunks.aggregate<{ readonly _id: unknown }>([{ $group: { _id: '$files_id' } }]);
  try {
    for (;;) {
      const owner = await bucket.answered(owners.next(), options);
      if (owner === null) break;
      if (owner._id instanceof ObjectId) ids.push(owner._id);
      if (ids.length >= LOOKED_UP_AT_ONCE) await look();
    }
    if (ids.length > 0) await look();
  } finally {
    await owners.close().catch(() => undefined);
  }
  return { removed, bytes: 0 };
}

async function withoutFile(
  { files, answered }: Bucket,
  ids: readonly ObjectId[],
  question: Question,
): Promise<readonly ObjectId[]> {
  const found = files.find({ _id: { $in: [...ids] } }, { projection: { _id: 1 } }).toArray();
  const present = new Set((await answered(found, question)).map(({ _id }) => _id.toHexString()));
  return ids.filter((id) => !present.has(id.toHexString()));
}

async function removeIfOld(
  { files, chunks, answered }: Bucket,
  id: ObjectId,
  options: SweepOptions,
): Promise<boolean> {
  const byAge = { sort: { _id: -1 as const }, projection: { _id: 1 } };
  const youngest = await answered(chunks.findOne({ files_id: id }, byAge), options);
  if (!(youngest?._id instanceof ObjectId)) return false;
  if (youngest._id.getTimestamp().getTime() > Date.now() - options.olderThanMs) return false;
  // A put may have come to its end since its id was looked up.
  const file = await answered(files.findOne({ _id: id }, { projection: { _id: 1 } }), options);
  if (file !== null) return false;
  await answered(chunks.deleteMany({ files_id: id, _id: { $lte: youngest._id } }), options);
  return true;
}
