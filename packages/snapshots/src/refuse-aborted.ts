import { SnapshotError } from './snapshot-error.ts';

/** @throws {SnapshotError} `aborted` for whoever has given up. */
export function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new SnapshotError('aborted', 'What was asked of the snapshots was given up.', {
      cause: signal.reason,
    });
}
