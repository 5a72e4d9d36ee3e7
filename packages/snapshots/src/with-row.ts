import { SnapshotError } from './snapshot-error.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { SnapshotRef } from './snapshots.ts';
import type { SnapshotRow } from './task-head.ts';

const MAX_TRIES = 20;

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

/** @throws {SnapshotError} `not-found`, `store-failed`, `aborted`. */
export async function rowOf(
  index: SnapshotIndex,
  ref: SnapshotRef,
  { signal }: Waiting = {},
): Promise<SnapshotRow> {
  const rows = (await index.read(ref.task, signal && { signal }))?.snapshots ?? [];
  const row = ref.number === undefined ? rows.at(-1) : rows.find(({ number }) => number === ref.number);
  if (row !== undefined) return row;
  const which = ref.number === undefined ? 'There is no snapshot' : `There is no snapshot ${ref.number}`;
  throw new SnapshotError('not-found', `${which} of ${JSON.stringify(ref.task)}.`);
}

/**
 * Does something with a snapshot that others may remove or seal anew meanwhile. What is damaged then may have moved: where the row has changed since, it is
 * done again with the row of now. So `work` must be such that it can be done again once it was damaged.
 *
 * @param isDamaged of what `work` gives, where damage is a value.
 * @throws {SnapshotError} `not-found` also when it went meanwhile, `damaged` only of a snapshot that is still there as it was read, `conflict` when others changed it each time,
 * and what `work` throws.
 */
export async function withRow<T>(
  index: SnapshotIndex,
  ref: SnapshotRef,
  {
    work,
    isDamaged = () => false,
    signal,
  }: {
    readonly work: (row: SnapshotRow) => Promise<T>;
    readonly isDamaged?: (result: T) => boolean;
  } & Waiting,
): Promise<T> {
  let row = await rowOf(index, ref, { signal });
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const end = await endOf(work(row), isDamaged);
    if (!end.isDamaged) return end.result();
    const now = await rowOf(index, ref, { signal });
    if (now.manifest === row.manifest) return end.result();
    row = now;
  }
  throw new SnapshotError(
    'conflict',
    `Could not read snapshot ${row.number} of ${JSON.stringify(ref.task)}: others sealed it anew each time. Try again.`,
  );
}

interface End<T> {
  readonly isDamaged: boolean;
  /** What came of it: also what it threw. */
  readonly result: () => T;
}

async function endOf<T>(work: Promise<T>, isDamaged: (result: T) => boolean): Promise<End<T>> {
  try {
    const result = await work;
    return { isDamaged: isDamaged(result), result: () => result };
  } catch (failure) {
    const isDamage = failure instanceof SnapshotError && failure.code === 'damaged';
    return {
      isDamaged: isDamage,
      result() {
        throw failure;
      },
    };
  }
}
