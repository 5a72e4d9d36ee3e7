/** 128 and the signal's number: what a shell reports for a program that the signal ended. */
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

export interface StopSignals extends Disposable {
  /** Fires at the first of them. */
  readonly signal: AbortSignal;
  /** What to exit with, once one has come. */
  readonly exitCode: number | undefined;
  /** Asks for the same clean end for another reason. */
  stop(exitCode: number, reason: Error): void;
}

/** The first Ctrl-C (or `SIGTERM`, `SIGHUP`) asks for a clean end; the second ends the program at once. */
export function listenForStop(atOnce: (exitCode: number) => void): StopSignals {
  const stop = new AbortController();
  let exitCode: number | undefined;
  const ask = (code: number, reason: Error): void => {
    exitCode ??= code;
    stop.abort(reason);
  };
  const listeners = Object.entries(exitCodes).map(([name, code]) => {
    const listener = (): void => {
      if (exitCode !== undefined) atOnce(code);
      ask(code, new Error(`Stopped by ${name}.`));
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: stop.signal,
    get exitCode() {
      return exitCode;
    },
    stop: ask,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
