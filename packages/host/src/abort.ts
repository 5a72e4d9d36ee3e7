import { HostError } from './host-error.ts';

/** The error of an operation that the caller's signal stopped. `attempt` completes the sentence "Stopped to …". */
export function abortedError(signal: AbortSignal, attempt: string): HostError {
  return new HostError('aborted', `Told to stop before it was done: ${attempt}.`, { cause: signal.reason });
}

/** @throws {HostError} `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, attempt: string): void {
  if (signal?.aborted) throw abortedError(signal, attempt);
}

/**
 * The outcome of `promise`, or `aborted` as soon as the signal fires. The promise itself goes on; its late failure is ignored.
 */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  attempt: string,
): Promise<T> {
  if (signal === undefined) return await promise;
  throwIfAborted(signal, attempt);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(abortedError(signal, attempt));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
