import { BlobStoreError } from './blob-store-error.ts';

/** The error of what the caller's signal stopped. `attempt` completes the sentence "Stopped before it could …". */
export function abortedError(signal: AbortSignal, attempt: string): BlobStoreError {
  return new BlobStoreError('aborted', `Told to stop before it could ${attempt}.`, { cause: signal.reason });
}

/** @throws {BlobStoreError} `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, attempt: string): void {
  if (signal?.aborted) throw abortedError(signal, attempt);
}

/**
 * What `work` gives, unless the signal fires first; then what becomes of `work` is nobody's concern any more.
 *
 * @throws {BlobStoreError} `aborted`.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  attempt: string,
): Promise<T> {
  if (signal === undefined) return await work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(abortedError(signal, attempt));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  work.catch(() => undefined);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
