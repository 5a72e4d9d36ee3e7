import { requireAges } from './idle-round.ts';
import type { ReadQuota } from './quota.ts';
import { requireDuration } from './require-settings.ts';
import { systemClock } from './seed-clock.ts';
import type { Seeds } from './seeds.ts';
import type { RefreshCredential, Verification } from './verify-and-refresh.ts';

export interface RefreshIdleOptions {
  readonly refresh: RefreshCredential;
  /** Seeds whose tokens the provider gave out longer ago than this, in milliseconds. A day unless given. */
  readonly olderThanMs?: number;
  /** What seeds have left is asked for and kept too: after a refresh, and of those that are not due for one. */
  readonly readQuota?: ReadQuota;
  /** What was known of a seed's quota for longer than this is asked for anew, in milliseconds. An hour unless given. */
  readonly quotaOlderThanMs?: number;
  readonly pool?: string;
  readonly signal?: AbortSignal;
}

export interface IdleRefreshSchedule extends Omit<RefreshIdleOptions, 'signal'> {
  /** From the end of one round to the begin of the next, in milliseconds, give or take a tenth. An hour unless given. */
  readonly everyMs?: number;
  readonly onVerified?: (verification: Verification) => void;
  /** A round that failed, for example because the store is away. The next one comes all the same. */
  readonly onFailure?: (failure: unknown) => void;
}

const HOUR_MS = 3_600_000;
/** Of what a tenth may be added to, for a timer. */
const LONGEST_MS = 20 * 24 * HOUR_MS;

/**
 * Refreshes seeds that nobody uses, round by round until it is disposed of, so that a login does not run out in the drawer. Any number of programs may do it: each seed is leased before.
 * Disposal stops the round that is under way, and waits for it.
 *
 * @throws {SeedError} `invalid-config`.
 */
export function refreshIdleSeeds(
  seeds: Pick<Seeds, 'refreshIdle'>,
  { everyMs = HOUR_MS, onVerified, onFailure, ...round }: IdleRefreshSchedule,
): AsyncDisposable {
  requireDuration({ everyMs }, { least: 1, most: LONGEST_MS });
  requireAges(round);
  const stop = new AbortController();
  const { signal } = stop;
  const rounds = (async () => {
    while (!signal.aborted) {
      try {
        for await (const verification of seeds.refreshIdle({ ...round, signal })) onVerified?.(verification);
      } catch (failure) {
        if (!signal.aborted) onFailure?.(failure);
      }
      await systemClock.sleep(everyMs * (0.9 + Math.random() * 0.2), { signal, background: true });
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await rounds;
    },
  };
}
