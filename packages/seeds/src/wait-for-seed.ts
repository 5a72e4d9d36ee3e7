import type { SeedContext } from './seed-context.ts';
import { abortedError, SeedError } from './seed-error.ts';
import type { SeedLease } from './seed-lease.ts';

/** Those in this program who wait for a seed, each for one or for any of a pool, the longest first. */
export interface WaitingLine {
  /** One more: its signal fires when it is its turn to look, and it has to leave. */
  join(wanted: string): { readonly turn: AbortSignal; leave(): void };
  /** A seed was released here that is wanted under these names: one of each looks. */
  next(names: readonly string[]): void;
}

export function createWaitingLine(): WaitingLine {
  const waiting = new Map<AbortController, string>();
  return {
    join(wanted) {
      const turn = new AbortController();
      waiting.set(turn, wanted);
      return { turn: turn.signal, leave: () => waiting.delete(turn) };
    },
    next(names) {
      for (const name of names) {
        const first = [...waiting].find(([, wanted]) => wanted === name)?.[0];
        if (first === undefined) continue;
        waiting.delete(first);
        first.abort();
      }
    },
  };
}

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
  {
    waitMs = 0,
    signal,
    line,
    wanted,
  }: AcquireOptions & { readonly line: WaitingLine; readonly wanted: string },
): Promise<SeedLease> {
  const { clock } = context;
  const endMs = clock.monotonicMs() + waitMs;
  for (;;) {
    if (signal?.aborted) throw abortedError(signal, 'acquire a seed');
    // Before the attempt: what is released while it looks must not be missed.
    const { turn, leave } = line.join(wanted);
    try {
      const lease = await attempt();
      if (!signal?.aborted) return lease;
      await lease[Symbol.asyncDispose]();
    } catch (failure) {
      if (signal?.aborted) throw abortedError(signal, 'acquire a seed');
      const leftMs = endMs - clock.monotonicMs();
      const passes =
        failure instanceof SeedError && ['unavailable', 'store-unavailable'].includes(failure.code);
      if (!passes || leftMs <= 0) throw failure;
      const pauseMs = Math.min(leftMs, LONGEST_LOOK_MS * (0.5 + clock.random() / 2));
      await clock.sleep(pauseMs, { signal: signal === undefined ? turn : AbortSignal.any([turn, signal]) });
      // Whose turn it was and who does not look passes it on.
      if (signal?.aborted && turn.aborted) line.next([wanted]);
    } finally {
      leave();
    }
  }
}
