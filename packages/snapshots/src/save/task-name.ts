import { SnapshotError } from '../snapshot-error.ts';

const MAX_CHARACTERS = 1_000;

/** What every index can keep, and tell from every other name. @throws {SnapshotError} `invalid-config` */
export function refuseTaskName(task: string): void {
  if (task !== '' && task.length <= MAX_CHARACTERS && task.isWellFormed()) return;
  throw new SnapshotError(
    'invalid-config',
    `task cannot be ${JSON.stringify(task.slice(0, 100))}: name it in 1 to 1,000 characters, and no halves of one.`,
  );
}
