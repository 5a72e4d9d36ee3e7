import type { BlobId, BlobStore } from '@seedbed/blob-store';
import type { SnapshotIndex } from '../snapshot-index.ts';
import type { TaskHead } from '../task-head.ts';

const MAX_TRIES = 20;
const DELETES_AT_ONCE = 8;

/** Removes what nobody names. Best effort: what stays is swept later. */
export async function removeAll(blobs: BlobStore, ids: Iterable<BlobId>): Promise<void> {
  await Promise.allSettled([...ids].map((id) => blobs.delete(id)));
}

/**
 * Removes the blobs that a head condemns, then takes them off its list. Safe beside anything: no save builds on a condemned blob, and a list that was not
 * shortened is worked off by the next one.
 *
 * @returns how many were removed.
 */
export async function removeCondemned(
  index: SnapshotIndex,
  blobs: BlobStore,
  { head, signal }: { readonly head: TaskHead; readonly signal?: AbortSignal },
): Promise<number> {
  const removed = new Set<BlobId>();
  const pending = [...head.condemned];
  const work = async (): Promise<void> => {
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      await blobs.delete(id, signal && { signal });
      removed.add(id);
    }
  };
  await Promise.all(Array.from({ length: DELETES_AT_ONCE }, work));
  if (removed.size > 0) await strike(index, removed, { task: head.task, ...(signal && { signal }) });
  return removed.size;
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
