import type { BlobId, BlobStore } from '@seedbed/blob-store';
import { TASK_LABEL } from '../save/save-snapshot.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { asSnapshotError } from '../store-failure.ts';
import { liveBlobs, type SnapshotRow, type TaskHead, withSnapshots } from '../task-head.ts';
import { changeHead } from './change-head.ts';
import { removeCondemned } from './remove-blobs.ts';

export interface Stores {
  readonly index: SnapshotIndex;
  readonly blobs: BlobStore;
}

export interface PruneReport {
  /** Numbers of the snapshots that were removed. */
  readonly removed: readonly number[];
  /** Blobs that nothing needs any more and that are gone. */
  readonly blobs: number;
}

/** Keeps some of a task's snapshots and frees what nothing else needs. Safe beside a running save. */
export async function keepOnly(
  { index, blobs }: Stores,
  task: string,
  {
    isKept,
    orEmpty = false,
    signal,
  }: {
    readonly orEmpty?: boolean;
    readonly isKept: (row: SnapshotRow, position: number, all: readonly SnapshotRow[]) => boolean;
    readonly signal?: AbortSignal;
  },
): Promise<PruneReport> {
  let removed: readonly number[] = [];
  const change = (head: TaskHead): TaskHead | undefined => {
    const kept = head.snapshots.filter(isKept);
    removed = head.snapshots.filter((row) => !kept.includes(row)).map(({ number }) => number);
    return removed.length === 0 ? undefined : withSnapshots(head, kept);
  };
  const head = await changeHead(index, task, { change, orEmpty, ...(signal && { signal }) });
  return { removed, blobs: await removeCondemned(index, blobs, { head, ...(signal && { signal }) }) };
}

/**
 * Removes blobs of a task that no head names, as killed saves leave them, if they are older than `olderThanMs`. A save that takes longer notices it and fails
 * with `conflict`: the head says that there was a sweep, also when there was no head before.
 */
export async function sweepTask(
  { index, blobs }: Stores,
  task: string,
  {
    olderThanMs,
    now,
    signal,
  }: { readonly olderThanMs: number; readonly now: () => number; readonly signal?: AbortSignal },
): Promise<number> {
  const old: BlobId[] = [];
  try {
    const listed = blobs.list({ labels: { [TASK_LABEL]: task }, ...(signal && { signal }) });
    for await (const { id, createdMs } of listed) if (createdMs < now() - olderThanMs) old.push(id);
  } catch (failure) {
    throw asSnapshotError(failure, `look for what saves of ${JSON.stringify(task)} have left`);
  }
  if (old.length === 0) return 0;
  const change = (head: TaskHead): TaskHead | undefined => {
    const live = liveBlobs(head.snapshots);
    const lost = old.filter((id) => !live.has(id));
    if (lost.length === 0) return undefined;
    const condemned = [...new Set([...head.condemned, ...lost])];
    return { ...head, condemned, sweeps: head.sweeps + 1 };
  };
  const head = await changeHead(index, task, { change, orEmpty: true, ...(signal && { signal }) });
  return await removeCondemned(index, blobs, { head, ...(signal && { signal }) });
}

/**
 * Removes all of a task. A number is passed over each time, in a head that is made where there is none: by it every save that began before, which may have
 * stored nothing yet, fails with `conflict`.
 */
export async function removeTask(
  stores: Stores,
  task: string,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  const waiting = signal && { signal };
  const change = (head: TaskHead): TaskHead => ({
    ...withSnapshots(head, []),
    nextNumber: head.nextNumber + 1,
  });
  const head = await changeHead(stores.index, task, { change, orEmpty: true, ...waiting });
  await removeCondemned(stores.index, stores.blobs, { head, ...waiting });
  await sweepTask(stores, task, { olderThanMs: 0, now: () => Number.MAX_SAFE_INTEGER, ...waiting });
}
