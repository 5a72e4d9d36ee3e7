const crawlBytes = 65_536;

/** Fires when fewer than 64 KiB arrive within `stallMs`. */
export function createWatchdog(stallMs: number): {
  signal: AbortSignal;
  advance(bytes: number): void;
  stop(): void;
} {
  const controller = new AbortController();
  let pending = 0;
  const timer = setTimeout(() => controller.abort(), stallMs);
  return {
    signal: controller.signal,
    advance: (bytes) => {
      pending += bytes;
      if (pending < crawlBytes) return;
      pending = 0;
      timer.refresh();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Ends the iteration with an error as soon as the signal fires, whatever the source does. */
export async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  try {
    if (signal.aborted) onAbort();
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that hangs would hang its own ending.
    iterator.return?.()?.catch(() => undefined);
  }
}
