import { SnapshotError } from '../snapshot-error.ts';
import type { TaskHead } from '../task-head.ts';

/** What a folder has come from, and whose it is. */
export interface Follows {
  /** The last snapshot that it was restored from, or that was made of it; 0 for none. */
  readonly number: number;
  /** Unique to one life of the task: not its name, and not the machine's. */
  readonly writer: string;
}

/**
 * Two programs may believe that they run one task, each with a folder of its own: the later one to save would put its folder in the place of the other's work.
 * @throws {SnapshotError} `conflict` where somebody else has saved since.
 */
export function refuseOvertaken(
  task: string,
  head: TaskHead | undefined,
  follows: Follows | undefined,
): void {
  if (follows === undefined) return;
  const { number, writer } = follows;
  const other = head?.snapshots.findLast((row) => row.number > number && row.writer !== writer);
  if (other === undefined) return;
  throw new SnapshotError(
    'conflict',
    `The snapshot of ${JSON.stringify(task)} was not made: somebody else has saved the task as number ${other.number}, from ${other.host}, while this folder goes on from number ${number}. End one of the two; what this one has is in its folder still.`,
  );
}
