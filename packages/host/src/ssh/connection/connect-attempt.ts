import { abortedError } from '../../abort.ts';
import { HostError } from '../../host-error.ts';
import { timerMs } from '../../option-values.ts';

/** One try to connect, as the steps on its way see it: name, socket, jump hosts, keys, login. */
export interface ConnectAttempt {
  /** Aborts when the caller has lost interest or the time is up, with the `HostError` as its reason. */
  readonly signal: AbortSignal;
  /** Says what is being done now, for the message when the time is up. */
  at(step: string): void;
  /** Waits for a person, which takes none of the time. */
  asking<T>(ask: () => Promise<T>): Promise<T>;
}

export interface ConnectAttemptOptions {
  readonly label: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** The time runs until it is disposed of. */
export function startConnectAttempt(options: ConnectAttemptOptions): ConnectAttempt & Disposable {
  const { label, timeoutMs, signal: caller } = options;
  const over = new AbortController();
  let step = 'at its beginning';
  let left = timeoutMs;
  let runningSince = performance.now();
  let questions = 0;
  let timer: NodeJS.Timeout | undefined;

  const onTimeout = (): void => {
    over.abort(
      new HostError(
        'timeout',
        `Connecting to ${label} took longer than ${timeoutMs} ms; it was ${step}. Where that is how long it takes, raise connectTimeoutMs.`,
      ),
    );
  };
  const run = (): void => {
    runningSince = performance.now();
    timer = setTimeout(onTimeout, timerMs(Math.max(0, left)));
  };
  const onAbort = (): void => {
    if (caller !== undefined) over.abort(abortedError(caller, `connect to ${label}`));
  };
  if (caller?.aborted) onAbort();
  caller?.addEventListener('abort', onAbort, { once: true });
  run();
  return {
    signal: over.signal,
    at(next) {
      step = next;
    },
    async asking(ask) {
      questions += 1;
      if (questions === 1) {
        clearTimeout(timer);
        left -= performance.now() - runningSince;
      }
      try {
        return await untilAborted(over.signal, ask);
      } finally {
        questions -= 1;
        if (questions === 0 && timer !== undefined) run();
      }
    },
    [Symbol.dispose]() {
      clearTimeout(timer);
      timer = undefined;
      caller?.removeEventListener('abort', onAbort);
    },
  };
}

/** What the work gives, or the signal's reason if that comes first; the work is then left to itself. */
export async function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
