import type { ModelRequest } from './model-request.ts';
import { ScriptedModelError } from './scripted-model-error.ts';

/** Those who wait for a request that has not come yet. */
export interface RequestWaiters {
  next(matches: (request: ModelRequest) => boolean, signal?: AbortSignal): Promise<ModelRequest>;
  arrived(request: ModelRequest): void;
  close(): void;
}

interface Waiter {
  readonly matches: (request: ModelRequest) => boolean;
  readonly resolve: (request: ModelRequest) => void;
  readonly reject: (error: Error) => void;
}

export function createRequestWaiters(): RequestWaiters {
  const waiting = new Set<Waiter>();
  let closed = false;
  const closedError = (): ScriptedModelError =>
    new ScriptedModelError('closed', 'The scripted model was closed before the awaited request came.');
  return {
    async next(matches, signal) {
      if (closed) throw closedError();
      const { promise, resolve, reject } = Promise.withResolvers<ModelRequest>();
      const waiter = { matches, resolve, reject };
      const abort = (): void => {
        const options = { cause: signal?.reason };
        reject(
          new ScriptedModelError(
            'aborted',
            'Stopped waiting for a request of Codex: the signal fired.',
            options,
          ),
        );
      };
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
      waiting.add(waiter);
      try {
        return await promise;
      } finally {
        waiting.delete(waiter);
        signal?.removeEventListener('abort', abort);
      }
    },
    arrived(request) {
      for (const waiter of waiting) {
        try {
          if (waiter.matches(request)) waiter.resolve(request);
        } catch (error) {
          waiter.reject(error instanceof Error ? error : new Error(String(error)));
        }
      }
    },
    close() {
      closed = true;
      for (const waiter of waiting) waiter.reject(closedError());
    },
  };
}
