import type { BlobId, BlobStore } from '@seedbed/blob-store';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { asSnapshotError } from '../store-failure.ts';
import type { TaskHead } from '../task-head.ts';

const MAX_TRIES = 20;
const DELETES_AT_ONCE = 8;

/**
 * Removes what nobody names. Best effort: what stays is swept later, as after a kill. Where one cannot be removed no other is tried: a store that has gone
 * away is waited for once, and not for each of many.
 */
export async function removeAll(blobs: BlobStore, ids: Iterable<BlobId>): Promise<void> {
  let isOver = false;
  await eachOf(ids, async (id) => {
    if (isOver) return;
    await blobs.delete(id).catch(() => {
      isOver = true;
    });
  });
}

/**
 * Removes the blobs that a head condemns, then takes them off its list. Safe beside anything: no save builds on a condemned blob, and a list that was not
 * shortened is worked off by the next one.
 *
 * @returns how many were removed.
 * @throws {SnapshotError} `store-failed`, `aborted`: what could be removed is gone all the same.
 */
export async function removeCondemned(
  index: SnapshotIndex,
  blobs: BlobStore,
  { head, signal }: { readonly head: TaskHead; readonly signal?: AbortSignal },
): Promise<number> {
  const removed = new Set<BlobId>();
  const failures: unknown[] = [];
  await eachOf(head.condemned, async (id) => {
    if (failures.length > 0) return;
    try {
      await blobs.delete(id, signal && { signal });
      removed.add(id);
    } catch (failure) {
      failures.push(failure);
    }
  });
  if (removed.size > 0) await strike(index, removed, { task: head.task, ...(signal && { signal }) });
  if (failures.length > 0)
    throw asSnapshotError(failures[0], `remove what ${JSON.stringify(head.task)} does not need any more`);
  return removed.size;
}

/** A few at once: a task may have many thousand. */
async function eachOf(ids: Iterable<BlobId>, work: (id: BlobId) => Promise<void>): Promise<void> {
  const pending = [...ids];
  const worker = async (): Promise<void> => {
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) await work(id);
  };
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, worker));
}

async function strike(
  index: SnapshotIndex,
  removed: ReadonlySet<BlobId>,
  { task, signal }: { readonly task: string; readonly signal?: AbortSignal },
): Promise<void> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const head = await index.read(task, signal && { signal });
    if (head === undefined) return;
    const condemned = head.condemned.filter((id) => !removed.has(id));
    if (condemned.length === head.condemned.length) return;
    const next = { ...head, condemned, revision: head.revision + 1 };
    if (await index.write(next, head.revision, signal && { signal })) return;
  }
}
