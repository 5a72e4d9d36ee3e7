/** Those who wait until something has changed. */
export interface Waiters {
  /** Resolves at the next change, or when one of the signals fires. */
  woken(signals: readonly AbortSignal[]): Promise<void>;
  wakeAll(): void;
}

export function createWaiters(): Waiters {
  const waiting = new Set<() => void>();
  return {
    async woken(signals) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const over = AbortSignal.any([...signals]);
      over.addEventListener('abort', () => resolve(), { once: true });
      if (over.aborted) resolve();
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
    },
    wakeAll() {
      for (const wake of waiting) wake();
    },
  };
}
