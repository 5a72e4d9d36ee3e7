import type { AbandonedLeases } from './abandoned-leases.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, type SeedErrorCode, unlessAborted } from './seed-error.ts';
import type { SeedLease } from './seed-lease.ts';

/** Those in this program who wait for a seed, each for one or for any of a pool, the longest first. */
export interface WaitingLine {
  join(wanted: string): Place;
  /** A seed was released here that is wanted under these names: the first of each looks. */
  next(names: readonly string[]): void;
}

/** One who waits. */
export interface Place {
  /** Fires, from now on, when it is its turn to look. */
  turn(): AbortSignal;
  /** Whether nobody has waited for the same for longer: the first looks now and then, the others need not. */
  isFirst(): boolean;
  /** Who comes after the first is the first then, and looks. */
  leave(): void;
}

export function createWaitingLine(): WaitingLine {
  const lines = new Map<string, Set<{ turn: AbortController }>>();
  const wakeFirst = (wanted: string): void => {
    const [first] = lines.get(wanted) ?? [];
    first?.turn.abort();
  };
  return {
    join(wanted) {
      const line = lines.get(wanted) ?? new Set();
      lines.set(wanted, line);
      const place = { turn: new AbortController() };
      line.add(place);
      const isFirst = (): boolean => {
        const [first] = line;
        return first === place;
      };
      return {
        turn() {
          if (place.turn.signal.aborted) place.turn = new AbortController();
          return place.turn.signal;
        },
        isFirst,
        leave() {
          const wasFirst = isFirst();
          line.delete(place);
          if (line.size === 0) lines.delete(wanted);
          else if (wasFirst) wakeFirst(wanted);
        },
      };
    },
    next: (names) => names.forEach(wakeFirst),
  };
}

export interface AcquireOptions {
  /** How long to wait for a seed to become free, in milliseconds. 0 unless given. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

const LONGEST_LOOK_MS = 1_000;
const PASSING = new Set<SeedErrorCode>(['unavailable', 'store-unavailable']);

interface Waiting extends AcquireOptions {
  readonly line: WaitingLine;
  readonly wanted: string;
  readonly abandoned: AbandonedLeases;
}

/**
 * Looks again whenever a seed may have become free, until `waitMs` are over. Rejects as soon as the signal fires, whatever is silent then; a lease that comes after that is freed.
 *
 * @throws {SeedUnavailableError} the last attempt's.
 */
export async function waitForSeed(
  context: SeedContext,
  attempt: () => Promise<SeedLease>,
  { waitMs = 0, signal, line, wanted, abandoned }: Waiting,
): Promise<SeedLease> {
  const { clock } = context;
  const endMs = clock.monotonicMs() + waitMs;
  const place = line.join(wanted);
  try {
    for (;;) {
      // Before the attempt: what is released while it looks must not be missed.
      const turn = place.turn();
      const found = await attemptOnce(attempt, { signal, abandoned });
      if ('lease' in found) return found.lease;
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) throw found.failure;
      const pauseMs = LONGEST_LOOK_MS * (0.5 + clock.random() / 2);
      const either = signal === undefined ? turn : AbortSignal.any([turn, signal]);
      await clock.sleep(place.isFirst() ? Math.min(leftMs, pauseMs) : leftMs, { signal: either });
    }
  } finally {
    place.leave();
  }
}

/** A failure that may be none later. @throws {SeedError} any other, and `aborted`. */
async function attemptOnce(
  attempt: () => Promise<SeedLease>,
  { signal, abandoned }: Pick<Waiting, 'abandoned'> & { readonly signal: AbortSignal | undefined },
): Promise<{ readonly lease: SeedLease } | { readonly failure: SeedError }> {
  try {
    return {
      lease: await unlessAborted(attempt, { signal, attempt: 'acquire a seed', late: abandoned.free }),
    };
  } catch (failure) {
    if (!(failure instanceof SeedError) || !PASSING.has(failure.code)) throw failure;
    return { failure };
  }
}
