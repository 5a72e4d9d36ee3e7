import { BlobStoreError } from '@seedbed/blob-store';
import { HostError } from '@seedbed/host';
import { SnapshotError, type SnapshotErrorCode } from './snapshot-error.ts';

const CODES: Readonly<Partial<Record<BlobStoreError['code'], SnapshotErrorCode>>> = {
  'not-found': 'damaged',
  damaged: 'damaged',
  'invalid-range': 'damaged',
  'unknown-key': 'wrong-key',
  'unsealing-failed': 'damaged',
  'not-sealed': 'not-sealed',
  aborted: 'aborted',
};

/** What a store of bytes says, and that a host was told to give up, in the words of this package; every other failure stays what it is. */
export function asSnapshotError(failure: unknown, attempt: string): unknown {
  if (failure instanceof HostError && failure.code === 'aborted')
    return new SnapshotError('aborted', `Could not ${attempt}: ${failure.message}`, { cause: failure });
  if (!(failure instanceof BlobStoreError)) return failure;
  const code = CODES[failure.code] ?? 'store-failed';
  return new SnapshotError(code, `Could not ${attempt}: ${failure.message}`, { cause: failure });
}
