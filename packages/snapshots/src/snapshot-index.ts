import type { TaskHead } from './task-head.ts';

/**
 * Where the heads of tasks are kept: one document each. Everything else follows from `write` being decided by one document.
 * Every method rejects with a `SnapshotError` of code `store-failed` when the store fails, and `aborted`; `write` with `invalid-config` for a head that could not be read again.
 */
export interface SnapshotIndex {
  /** A name for people, without secrets. */
  readonly label: string;
  /** `undefined` when the task was never saved. `damaged` where something else is there than was written. */
  read(task: string, options?: { readonly signal?: AbortSignal }): Promise<TaskHead | undefined>;
  /**
   * Puts `head` in the place of the one with the revision `expected`; 0 when there must be none. `head.revision` is `expected + 1`.
   * @returns `false` when another revision is there: nothing was changed.
   */
  write(head: TaskHead, expected: number, options?: { readonly signal?: AbortSignal }): Promise<boolean>;
  /** The names of all tasks that have a snapshot, in no order. A task whose head is damaged is among them, and in nobody's way. */
  tasks(options?: { readonly signal?: AbortSignal }): AsyncIterable<string>;
}
