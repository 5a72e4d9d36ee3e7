import { createInterface } from 'node:readline';

/** Lines that a person types. What is typed while nothing is asked counts for nothing: nobody can agree to what was not shown yet. */
export interface Keyboard extends Disposable {
  /** The next line; nothing when the input ends or the signal fires. */
  nextLine(signal: AbortSignal): Promise<string | undefined>;
}

export function openKeyboard(input: NodeJS.ReadableStream): Keyboard {
  // The terminal itself edits the line, and turns Ctrl-C into a signal.
  const lines = createInterface({ input, terminal: false });
  let waiting: ((line: string | undefined) => void) | undefined;
  let ended = false;
  const settle = (line: string | undefined): void => {
    waiting?.(line);
    waiting = undefined;
  };
  lines.on('line', settle);
  lines.on('close', () => {
    ended = true;
    settle(undefined);
  });
  return {
    async nextLine(signal) {
      if (ended || signal.aborted) return undefined;
      const { promise, resolve } = Promise.withResolvers<string | undefined>();
      waiting = resolve;
      const giveUp = (): void => settle(undefined);
      signal.addEventListener('abort', giveUp, { once: true });
      return await promise.finally(() => signal.removeEventListener('abort', giveUp));
    },
    [Symbol.dispose]: () => lines.close(),
  };
}
