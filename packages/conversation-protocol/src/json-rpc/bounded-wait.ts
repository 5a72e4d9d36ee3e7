import { JsonRpcError } from './json-rpc-error.ts';
import { systemTimers, type Timers } from './timers.ts';

export interface WaitOptions {
  /** Milliseconds. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly timers?: Timers | undefined;
  /** Called once, when the wait is over in any way and before anybody hears of it. */
  readonly onSettled?: () => void;
}

/** A promise that always settles: by its owner, at its deadline, or by the caller's signal, whichever is first. The rest is ignored. */
export interface BoundedWait<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * `what` names it in messages: "an answer to thread/read".
 *
 * It rejects with a {@link JsonRpcError}: `deadline-exceeded`, `aborted`.
 * @throws {JsonRpcError} `invalid-option`.
 */
export function startBoundedWait<T>(what: string, options: WaitOptions): BoundedWait<T> {
  const { deadlineMs, signal, timers = systemTimers, onSettled } = options;
  if (!(deadlineMs > 0)) {
    throw new JsonRpcError(
      'invalid-option',
      `A deadline must be more than 0 milliseconds, got ${deadlineMs} for ${what}.`,
    );
  }
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let settled = false;
  const settle = (tell: () => void): void => {
    if (settled) return;
    settled = true;
    stopTimer();
    signal?.removeEventListener('abort', onAbort);
    onSettled?.();
    tell();
  };
  const onAbort = (): void => {
    const error = new JsonRpcError('aborted', `Told to stop waiting for ${what}.`, { cause: signal?.reason });
    settle(() => reject(error));
  };
  const stopTimer = timers.after(deadlineMs, () => {
    const error = new JsonRpcError('deadline-exceeded', `Waited ${deadlineMs} ms for ${what}, then gave up.`);
    settle(() => reject(error));
  });
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  return {
    promise,
    resolve: (value) => settle(() => resolve(value)),
    reject: (error) => settle(() => reject(error)),
  };
}
