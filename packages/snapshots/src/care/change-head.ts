import { SnapshotError } from '../snapshot-error.ts';
import type { SnapshotIndex } from '../snapshot-index.ts';
import { emptyHead, type TaskHead } from '../task-head.ts';

const MAX_TRIES = 20;

/**
 * Changes a task's head by what it is when it is changed, again from the beginning when somebody else was faster.
 * @param change `undefined` when there is nothing to change.
 * @throws {SnapshotError} `not-found` when the task was never saved, `conflict` when others were faster each time, `store-failed`, `aborted`.
 */
export async function changeHead(
  index: SnapshotIndex,
  task: string,
  {
    change,
    orEmpty = false,
    signal,
  }: {
    readonly change: (head: TaskHead) => TaskHead | undefined;
    /** Whether a task that was never saved counts as one without a snapshot. */
    readonly orEmpty?: boolean;
    readonly signal?: AbortSignal;
  },
): Promise<TaskHead> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const head = (await index.read(task, signal && { signal })) ?? (orEmpty ? emptyHead(task) : undefined);
    if (head === undefined)
      throw new SnapshotError('not-found', `There is no snapshot of ${JSON.stringify(task)}.`);
    const changed = change(head);
    if (changed === undefined) return head;
    const next = { ...changed, revision: head.revision + 1 };
    if (await index.write(next, head.revision, signal && { signal })) return next;
  }
  throw new SnapshotError(
    'conflict',
    `The snapshots of ${JSON.stringify(task)} could not be changed: others changed them each time. Try again.`,
  );
}
