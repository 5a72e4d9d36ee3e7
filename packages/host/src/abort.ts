import { HostError } from './host-error.ts';

/** The error of an operation that the caller's signal stopped. `attempt` completes the sentence "Stopped to …". */
export function abortedError(signal: AbortSignal, attempt: string): HostError {
  return new HostError('aborted', `Told to stop before it was done: ${attempt}.`, { cause: signal.reason });
}

/** @throws {HostError} `aborted` when the signal has fired. */
export function throwIfAborted(signal: AbortSignal | undefined, attempt: string): void {
  if (signal?.aborted) throw abortedError(signal, attempt);
}
