import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Host, HostPath } from '@seedbed/host';
import { type Db, GridFSBucket, MongoError, ObjectId } from 'mongodb';
import {
  type RestoreArchiveOptions,
  type RestoredArchive,
  restoreArchive,
} from '../restore/restore-archive.ts';
import { SnapshotError } from '../snapshot-error.ts';

/** A snapshot that optio-codex has made: releases 0.1.0 and 0.4.8 were read. */
export interface OptioSnapshot {
  readonly id: string;
  /** The name of its task. */
  readonly processId: string;
  readonly capturedAt: Date;
  readonly endState: 'done' | 'cancelled';
  /** Of the thread in it, where there was one. */
  readonly threadId: string | undefined;
}

export interface OptioSnapshots {
  /** The oldest first. */
  list(processId: string, options?: { readonly signal?: AbortSignal }): Promise<readonly OptioSnapshot[]>;
  /**
   * Makes a folder what a snapshot holds, the latest unless one is named. Nothing in the database is changed. The login that these snapshots hold in clear
   * (`home/.codex/auth.json`) comes along: remove it where a seed takes its place.
   * @throws {SnapshotError} `not-found`, `refused-entry`, `limit-exceeded`, `store-failed`, `aborted`. @throws {HostError}
   */
  restore(
    host: Host,
    folder: HostPath,
    options: { readonly processId: string; readonly id?: string } & RestoreArchiveOptions,
  ): Promise<OptioSnapshot & RestoredArchive>;
}

interface OptioDocument {
  readonly _id: ObjectId;
  readonly processId: string;
  readonly capturedAt: Date;
  readonly endState: 'done' | 'cancelled';
  readonly workdirBlobId: ObjectId;
  readonly sessionId: string | null;
}

/** What optio-codex keeps under `prefix`, to be read and restored. The connection is the caller's. */
export function createOptioSnapshots(db: Db, { prefix }: { readonly prefix: string }): OptioSnapshots {
  const documents = db.collection<OptioDocument>(`${prefix}_codex_session_snapshots`);
  const bucket = new GridFSBucket(db, { bucketName: 'fs' });

  async function find(processId: string, id: string | undefined): Promise<OptioDocument> {
    const filter = id === undefined ? { processId } : { processId, _id: objectId(id) };
    const [found] = await orStoreFailure(() =>
      documents.find(filter).sort({ capturedAt: -1 }).limit(1).toArray(),
    );
    if (found !== undefined) return found;
    throw new SnapshotError('not-found', `There is no such snapshot of ${JSON.stringify(processId)}.`);
  }

  return {
    async list(processId, { signal } = {}) {
      signal?.throwIfAborted();
      const found = await orStoreFailure(() =>
        documents.find({ processId }).sort({ capturedAt: 1 }).toArray(),
      );
      return found.map(described);
    },
    async restore(host, folder, { processId, id, ...options }) {
      const found = await find(processId, id);
      const archive = unpacked(bucket.openDownloadStream(found.workdirBlobId));
      try {
        return { ...described(found), ...(await restoreArchive(host, folder, { ...options, archive })) };
      } catch (failure) {
        throw sourceFailure(failure, processId);
      }
    },
  };
}

function described({ _id, processId, capturedAt, endState, sessionId }: OptioDocument): OptioSnapshot {
  return { id: _id.toHexString(), processId, capturedAt, endState, threadId: sessionId ?? undefined };
}

function objectId(id: string): ObjectId {
  if (/^[0-9a-f]{24}$/.test(id)) return new ObjectId(id);
  throw new SnapshotError('not-found', `${JSON.stringify(id)} is no id of a snapshot.`);
}

function unpacked(packed: Readable): ReadableStream<Uint8Array> {
  const gunzip = createGunzip();
  packed.on('error', (failure) => gunzip.destroy(failure));
  // Whoever reads meets it, also when it comes before the reading begins.
  gunzip.on('error', () => undefined);
  gunzip.on('close', () => packed.destroy());
  return ReadableStream.from(packed.pipe(gunzip));
}

/** What the stream of an archive failed with lies in the chain of causes. */
function sourceFailure(failure: unknown, processId: string): unknown {
  const what = `The snapshot of ${JSON.stringify(processId)}`;
  for (let cause = failure; cause instanceof Error; cause = cause.cause as unknown) {
    if (cause instanceof SnapshotError) return cause;
    if (cause instanceof MongoError)
      return new SnapshotError('store-failed', `${what} could not be read: ${cause.message}`, { cause });
    if ('code' in cause && typeof cause.code === 'string' && cause.code.startsWith('Z_'))
      return new SnapshotError('refused-entry', `${what} is no whole tar.gz.`, { cause });
  }
  return failure;
}

async function orStoreFailure<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof MongoError)) throw cause;
    throw new SnapshotError('store-failed', `Could not read snapshots: ${cause.message}`, { cause });
  }
}
