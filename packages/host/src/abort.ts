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
 * What `work` gives, unless the signal fires first; what it gives after that is undone.
 *
 * @throws {HostError} `aborted`.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  { attempt, undo }: { readonly attempt: string; readonly undo: (late: T) => unknown },
): Promise<T> {
  if (signal === undefined) return await work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    aborted.reject(abortedError(signal, attempt));
    work.then(undo, () => undefined);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
