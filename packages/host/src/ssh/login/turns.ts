import { untilAborted } from '../connection/connect-attempt.ts';

/** Lets one at a time do something, in the order in which they came. */
export interface Turns {
  /** Waits for its turn, which lasts until what it gives is disposed of. */
  take(signal: AbortSignal): Promise<Disposable>;
}

export function createTurns(): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    async take(signal) {
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = before.then(() => promise);
      try {
        await untilAborted(signal, () => before);
      } catch (failure) {
        resolve();
        throw failure;
      }
      return { [Symbol.dispose]: resolve };
    },
  };
}
