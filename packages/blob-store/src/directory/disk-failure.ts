import { BlobStoreError } from '../blob-store-error.ts';

/** What the operating system calls a failure: `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** A failure of the disk in this package's words; what has words already is passed on. */
export function diskFailure(error: unknown, attempt: string): BlobStoreError {
  if (error instanceof BlobStoreError) return error;
  const code = systemCode(error);
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BlobStoreError(
      'no-space',
      `Could not ${attempt}: the disk or the quota is full (${reason}).`,
      {
        cause: error,
      },
    );
  }
  return new BlobStoreError('io', `Could not ${attempt}: ${reason}.`, { cause: error });
}
