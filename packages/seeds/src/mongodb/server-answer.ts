/** No answer came in time. Whether what was asked has happened, or is going to, nobody knows. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** Asks the server one thing. What is asked is told, by its signal, when nobody waits for it any more. @throws {NoAnswerError} and the reason of `signal`. */
export type Answered = <T>(ask: (unwanted: AbortSignal) => Promise<T>, signal?: AbortSignal) => Promise<T>;

/**
 * The server's answer, unless it takes longer than `answerMs` or the signal fires. The driver by itself waits for a silent connection until it finds out that the server is gone, which
 * takes longer than a lease. A change that is given up here may still reach the server, however late: it names the state that it replaces, and so comes in time or not at all.
 */
export function answeredWithin(answerMs: number): Answered {
  return async (ask, signal) => {
    signal?.throwIfAborted();
    const unwanted = new AbortController();
    const end = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      end.reject(new NoAnswerError(`no answer from MongoDB within ${answerMs} ms`));
      unwanted.abort();
    }, answerMs);
    const onAbort = (): void => {
      end.reject(signal?.reason);
      unwanted.abort();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const asked = ask(unwanted.signal);
    asked.catch(() => undefined);
    end.promise.catch(() => undefined);
    try {
      return await Promise.race([asked, end.promise]);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  };
}
