import type { BlobId, BlobStore } from '@seedbed/blob-store';
import { SnapshotError } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { emptyHead, liveBlobs, type SnapshotRow, type TaskHead, withSnapshots } from '../task-head.ts';

/** Others may prune or label meanwhile; so often is tried again. */
const MAX_TRIES = 20;

export interface CommitOptions {
  /** The head that the save began with. */
  readonly begun: TaskHead | undefined;
  /** The blobs that this save has put. */
  readonly own: ReadonlySet<BlobId>;
  /** How many snapshots stay; the oldest go. */
  readonly keep: number;
  readonly blobs: BlobStore;
  readonly signal?: AbortSignal;
}

/**
 * Makes a snapshot count: one conditional update of the task's head. It is refused when another save came first, or when a blob that this one needs is no
 * longer certain to be there; then nothing has changed. An answer that was lost is recognised by the id of the save.
 *
 * @throws {SnapshotError} `conflict`, `store-failed`, `aborted`.
 */
export async function commitSnapshot(
  index: SnapshotIndex,
  row: SnapshotRow,
  options: CommitOptions & { readonly task: string },
): Promise<TaskHead> {
  const { task, signal } = options;
  const withSignal = signal && { signal };
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const head = await index.read(task, withSignal);
    if (head?.snapshots.some(({ saveId }) => saveId === row.saveId)) return head;
    await refuseStale(head, row, options);
    const current = head ?? emptyHead(task);
    const kept = [...current.snapshots, row].slice(-options.keep);
    const next: TaskHead = {
      ...withSnapshots({ ...current, snapshots: [...current.snapshots, row] }, kept),
      revision: current.revision + 1,
      nextNumber: row.number + 1,
    };
    if (await written(index, next, options)) return next;
  }
  throw conflict(task, 'its head was changed by somebody else each time');
}

/** After a failure nobody knows whether it was written: the head tells. */
async function written(
  index: SnapshotIndex,
  next: TaskHead,
  { signal }: Pick<CommitOptions, 'signal'>,
): Promise<boolean> {
  try {
    return await index.write(next, next.revision - 1, signal && { signal });
  } catch (failure) {
    if (!(failure instanceof SnapshotError) || failure.code !== 'store-failed') throw failure;
    const head = await index.read(next.task, signal && { signal }).catch(() => undefined);
    const saveId = next.snapshots.at(-1)?.saveId;
    if (head?.snapshots.some((each) => each.saveId === saveId)) return true;
    throw failure;
  }
}

async function refuseStale(
  head: TaskHead | undefined,
  row: SnapshotRow,
  { task, begun, own, blobs, signal }: CommitOptions & { readonly task: string },
): Promise<void> {
  if ((head?.nextNumber ?? 1) !== row.number)
    throw conflict(task, 'somebody else has saved or removed it meanwhile');
  if (head === undefined) return;
  const live = liveBlobs(head.snapshots);
  const condemned = new Set(head.condemned);
  const needed = [row.manifest, ...row.packs.map(({ blob }) => blob)];
  const lost = needed.some((blob) => (own.has(blob) ? condemned.has(blob) : !live.has(blob)));
  if (lost) throw conflict(task, 'content that it builds on was removed meanwhile');
  if (head.sweeps === (begun?.sweeps ?? 0)) return;
  for (const blob of own) {
    if ((await blobs.stat(blob, signal && { signal })) === undefined)
      throw conflict(task, 'what it had stored was swept as left behind: it took too long');
  }
}

function conflict(task: string, why: string): SnapshotError {
  return new SnapshotError(
    'conflict',
    `The snapshot of ${JSON.stringify(task)} was not kept: ${why}. Save again.`,
  );
}
