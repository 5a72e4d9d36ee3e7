import { type Collection, type Db, MongoServerError } from 'mongodb';
import { SnapshotError } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { formatTaskHead, mayHaveSnapshots, parseTaskHead, type TaskHead } from '../task-head.ts';

export interface MongoIndexOptions {
  /** The collection is `{prefix}_task_heads`. `seedbed` by default. */
  readonly prefix?: string;
  /** How long the server may take to answer one question, in milliseconds. 30 seconds by default. */
  readonly answerMs?: number;
}

const ANSWER_MS = 30_000;

/** One document for each task; its key is the task's name. */
interface HeadDocument {
  readonly _id: string;
  readonly revision: number;
  /** JSON: the names of labels are the caller's, and not every server takes every name of a field. */
  readonly head: string;
  readonly updatedAt: Date;
}

/** What decides is asked, and what it has said stays said when it fails. */
const DECIDED_BY_ONE = { writeConcern: { w: 'majority' as const }, readPreference: 'primary' as const };

const DUPLICATE_KEY = 11_000;
const NOTHING_BEFORE = '';

/**
 * Heads of tasks in MongoDB. Needs no index but the one on `_id`, and of the server no more than a unique key and an update with a condition: no
 * transactions, sessions or change streams. The connection is the caller's.
 */
export function createMongoSnapshotIndex(
  db: Db,
  { prefix = 'seedbed', answerMs = ANSWER_MS }: MongoIndexOptions = {},
): SnapshotIndex {
  const heads: Collection<HeadDocument> = db.collection(`${prefix}_task_heads`, DECIDED_BY_ONE);
  const label = `mongodb ${db.databaseName}.${heads.collectionName}`;
  const failed = (attempt: string, cause: unknown): SnapshotError => {
    const story = cause instanceof Error ? cause.message : String(cause);
    return new SnapshotError('store-failed', `Could not ${attempt} ${label}: ${story}`, { cause });
  };
  const attempt = async <T>(
    what: string,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> => {
    try {
      signal?.throwIfAborted();
      return await answeredWithin(answerMs, signal, work());
    } catch (cause) {
      if (signal?.aborted)
        throw new SnapshotError('aborted', 'What was asked of the snapshots was given up.', { cause });
      throw cause instanceof SnapshotError ? cause : failed(what, cause);
    }
  };

  async function insert(head: TaskHead): Promise<boolean> {
    try {
      await heads.insertOne({ _id: head.task, ...stored(head) });
      return true;
    } catch (failure) {
      if (failure instanceof MongoServerError && failure.code === DUPLICATE_KEY) return false;
      throw failure;
    }
  }

  async function replace(head: TaskHead, expected: number): Promise<boolean> {
    const result = await heads.updateOne({ _id: head.task, revision: expected }, { $set: stored(head) });
    return result.modifiedCount === 1;
  }

  return {
    label,
    read: (task, { signal } = {}) =>
      attempt('read from', signal, async () => {
        const found = await heads.findOne({ _id: task }, signal && { signal });
        return found === null ? undefined : parseTaskHead(found.head, { task, label });
      }),
    write: (head, expected, { signal } = {}) =>
      attempt('write to', signal, () => (expected === 0 ? insert(head) : replace(head, expected))),
    async *tasks({ signal } = {}) {
      for (let last = NOTHING_BEFORE; ; ) {
        const page = await attempt('read from', signal, () =>
          heads
            .find({ _id: { $gt: last } }, signal && { signal })
            .sort({ _id: 1 })
            .limit(200)
            .toArray(),
        );
        for (const { _id, head } of page) {
          last = _id;
          if (mayHaveSnapshots(head)) yield last;
        }
        if (page.length === 0) return;
      }
    },
  };
}

function stored(head: TaskHead): Omit<HeadDocument, '_id'> {
  return { revision: head.revision, head: formatTaskHead(head), updatedAt: new Date() };
}

/** The driver waits for a connection that has fallen silent as long as TCP does. What was asked may be done all the same: whoever asked looks. */
async function answeredWithin<T>(
  answerMs: number,
  signal: AbortSignal | undefined,
  asked: Promise<T>,
): Promise<T> {
  const end = Promise.withResolvers<never>();
  const timer = setTimeout(() => end.reject(new Error(`No answer within ${answerMs} ms.`)), answerMs);
  const onAbort = (): void => end.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  asked.catch(() => undefined);
  try {
    return await Promise.race([asked, end.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}
