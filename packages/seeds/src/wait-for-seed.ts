import type { SeedContext } from './seed-context.ts';
import { abortedError, SeedError } from './seed-error.ts';
import type { SeedLease } from './seed-lease.ts';

export interface AcquireOptions {
  /** How long to wait for a seed to become free, in milliseconds. 0 unless given. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const LONGEST_LOOK_MS = 1_000;

/** Looks again whenever a seed may have become free, until `waitMs` are over. @throws {SeedUnavailableError} the last attempt's. */
export async function waitForSeed(
  context: SeedContext,
  attempt: () => Promise<SeedLease>,
  { waitMs = 0, signal, woken }: AcquireOptions & { readonly woken: () => AbortSignal },
): Promise<SeedLease> {
  const endMs = context.clock.monotonicMs() + waitMs;
  for (;;) {
    if (signal?.aborted) throw abortedError(signal, 'acquire a seed');
    // Asked for before the attempt: what is released while it looks must not be missed.
    const wake = woken();
    try {
      const lease = await attempt();
      if (!signal?.aborted) return lease;
      await lease[Symbol.asyncDispose]();
    } catch (failure) {
      if (signal?.aborted) throw abortedError(signal, 'acquire a seed');
      const leftMs = endMs - context.clock.monotonicMs();
      const passes =
        failure instanceof SeedError && ['unavailable', 'store-unavailable'].includes(failure.code);
      if (!passes || leftMs <= 0) throw failure;
      const pauseMs = Math.min(leftMs, LONGEST_LOOK_MS * (0.5 + context.clock.random() / 2));
      const either = signal === undefined ? wake : AbortSignal.any([wake, signal]);
      await context.clock.sleep(pauseMs, { signal: either });
    }
  }
}
