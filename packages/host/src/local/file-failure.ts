import { HostError, type HostErrorCode } from '../host-error.ts';

const CODES: Readonly<Record<string, HostErrorCode>> = {
  ENOENT: 'not-found',
  EEXIST: 'already-exists',
  EACCES: 'permission-denied',
  EPERM: 'permission-denied',
  ENOTDIR: 'not-a-directory',
  EISDIR: 'is-a-directory',
  ENOTEMPTY: 'directory-not-empty',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EROFS: 'read-only',
  ELOOP: 'too-many-links',
  EBUSY: 'busy',
  EXDEV: 'cross-device',
  ENAMETOOLONG: 'invalid-path',
  ECONNREFUSED: 'not-found',
  EADDRINUSE: 'already-exists',
  EADDRNOTAVAIL: 'not-found',
  ABORT_ERR: 'aborted',
};

/** The errno name of a failed system call, `undefined` for anything else. */
export function errnoOf(failure: unknown): string | undefined {
  if (failure instanceof Error && 'code' in failure && typeof failure.code === 'string') return failure.code;
  return undefined;
}

/** The `HostError` for a failed system call. `attempt` completes the sentence "Could not …". */
export function fileFailure(attempt: string, failure: unknown): HostError {
  if (failure instanceof HostError) return failure;
  const errno = errnoOf(failure);
  const code = (errno === undefined ? undefined : CODES[errno]) ?? 'io';
  const reason = failure instanceof Error ? failure.message : String(failure);
  return new HostError(code, `Could not ${attempt}: ${reason}`, { cause: failure });
}

/** Runs `operation`; what it throws becomes a `HostError`. */
export async function orFileFailure<T>(attempt: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (failure) {
    throw fileFailure(attempt, failure);
  }
}
