import type { Readable } from 'node:stream';

export interface SignOfLifeOptions {
  readonly everyMs: number;
  /** For how many of these spans nothing need come. */
  readonly misses: number;
  readonly onSilence: () => void;
}

/**
 * Tells when nothing at all has come for too long, once. The answer to a keepalive alone would not do: on a slow link it waits behind all that is on its
 * way, while the host gives signs of life all the time.
 */
export function watchSignsOfLife(source: Readable, options: SignOfLifeOptions): Disposable {
  const { everyMs, misses, onSilence } = options;
  let silent = 0;
  source.on('data', () => {
    silent = 0;
  });
  const timer = setInterval(() => {
    silent += 1;
    if (silent <= misses) return;
    clearInterval(timer);
    onSilence();
  }, everyMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
