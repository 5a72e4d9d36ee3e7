import { SnapshotError } from './snapshot-error.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import { asSnapshotError } from './store-failure.ts';
import type { TaskHead } from './task-head.ts';

interface Begun {
  readonly task: string;
  /** The head that the work has begun with. */
  readonly head: Pick<TaskHead, 'revision'> | undefined;
  /** `save "t"` */
  readonly attempt: string;
  readonly signal?: AbortSignal | undefined;
}

/** A failure in the words of this package. Where somebody else has changed the task since, what is missing was removed, and is not damaged: a `conflict`. */
export async function asFailureOf(
  index: Pick<SnapshotIndex, 'read'>,
  failure: unknown,
  { task, head, attempt, signal }: Begun,
): Promise<unknown> {
  const reason = asSnapshotError(failure, attempt);
  if (!(reason instanceof SnapshotError && reason.code === 'damaged')) return reason;
  let now: TaskHead | undefined;
  try {
    now = await index.read(task, signal && { signal });
  } catch (unknown) {
    // Then nobody knows which of the two it is.
    return asSnapshotError(unknown, attempt);
  }
  if (now?.revision === head?.revision) return reason;
  return new SnapshotError(
    'conflict',
    `Could not ${attempt}: somebody else has changed ${JSON.stringify(task)} meanwhile, and removed what was needed. Try again.`,
    { cause: failure },
  );
}
