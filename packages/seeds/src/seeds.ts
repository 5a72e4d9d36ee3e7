import { createAbandonedLeases } from './abandoned-leases.ts';
import { describeTarget, type SeedTarget, tryAcquire, type UnsettledSeeds } from './acquire-seed.ts';
import { type CaptureOptions, captureSeed } from './capture-seed.ts';
import { contextOf, type SeedsOptions } from './configure-seeds.ts';
import type { Quota } from './details.ts';
import type { RefreshIdleOptions } from './idle-refresh.ts';
import { refreshIdleOnce } from './idle-round.ts';
import { type CatchUp, createCatchUp } from './journal/catch-up.ts';
import { createOwnTakes } from './own-takes.ts';
import { type ReadQuota, recordQuota } from './quota.ts';
import { requireDuration } from './require-settings.ts';
import { type ResealReport, resealSeed } from './reseal-seed.ts';
import {
  abandonLeft,
  deleteSeed,
  deleteUnreadable,
  nameSeed,
  type PurgeReport,
  type PurgeTarget,
  purgeSeeds,
  restoreAside,
} from './seed-care.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, unlessAborted } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import type { SeedLease } from './seed-lease.ts';
import { overviewOf, type SeedOverview, unreadableOverview } from './seed-overview.ts';
import type { QuestionOptions } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';
import type { RefreshCredential, Verification, VerifyWork } from './verify-and-refresh.ts';
import { verifySeed } from './verify-seed.ts';
import { type AcquireOptions, createWaitingLine, waitForSeed } from './wait-for-seed.ts';

/**
 * Logins, each captured once and used by one holder at a time. Every method rejects with a `SeedError`, also with `store-unavailable` and `store-failed`.
 *
 * Disposal stops what is tried in the background; leases are their holders' to dispose of, before.
 */
export interface Seeds extends AsyncDisposable {
  /** @throws {SeedError} `not-logged-in`, `unreadable`, `already-captured`, `too-large`, `host-failed`. */
  capture(options: CaptureOptions): Promise<SeedId>;
  /**
   * Leases one seed, or the best one of a pool: alive, with room in its quota, and unused for the longest time. `holder` is a name for people.
   *
   * @throws {SeedUnavailableError} with the reason of each seed. @throws {SeedError} `not-found`, `aborted`.
   */
  acquire(target: SeedTarget, holder: string, options?: AcquireOptions): Promise<SeedLease>;
  /** @throws {SeedError} `aborted`. */
  list(filter?: QuestionOptions & { readonly pool?: string }): Promise<readonly SeedOverview[]>;
  /** @throws {SeedError} `not-found`, `aborted`. */
  get(id: SeedId, options?: QuestionOptions): Promise<SeedOverview>;
  /** `undefined` takes it out of its pool. @throws {SeedError} `not-found`. */
  assignToPool(id: SeedId, pool: string | undefined): Promise<void>;
  /** @throws {SeedError} `not-found`. */
  label(id: SeedId, label: string | undefined): Promise<void>;
  /** Removes a seed that nobody holds; no error when there is none. @throws {SeedError} `in-use`. */
  delete(id: SeedId): Promise<void>;
  /**
   * Removes a record that is shown as `unreadable`; no error when there is none. Whether somebody holds it cannot be seen: one of a later version of this package may well be in use.
   *
   * @throws {SeedError} `invalid-config` for a seed that can be read.
   */
  deleteUnreadable(id: SeedId): Promise<void>;
  /**
   * Deletes the logins of a pool, or of the whole store, that nobody holds, and what interrupted writes left in the store. There is no way back: each has to be logged in again.
   *
   * @throws {SeedError} `invalid-config` when it is not said which.
   */
  purge(target: PurgeTarget): Promise<PurgeReport>;
  /**
   * Seals under the keyring's current key what is under an older one, also while somebody holds the seed.
   *
   * @throws {SeedError} `invalid-config` without a keyring, `not-found`, `unsealing-failed`, `aborted`.
   */
  reseal(id: SeedId, options?: QuestionOptions): Promise<ResealReport>;
  /** Notes what a login has left. @throws {SeedError} `not-found`, `invalid-config`. */
  recordQuota(id: SeedId, quota: Quota): Promise<void>;
  /** Makes a credential that is kept aside the current one. Nobody may hold the seed. @throws {SeedError} `not-found`, `in-use`, `unreadable`. */
  restore(id: SeedId, generation: string): Promise<void>;
  /**
   * Gives up what a holder left when it died, at a place that will not be seen again: the seed can be leased again, with the token that the store has, which may be spent.
   *
   * @throws {SeedError} `not-found`, `in-use`.
   */
  abandonLeft(id: SeedId): Promise<void>;
  /**
   * Asks the provider about one seed, without an agent, and saves the token that comes out; with `readQuota` also what the login has left. Leases it like everybody else.
   *
   * @throws {SeedError} `journal-failed`, `aborted` before anything was spent; `not-saved`; `not-found`.
   */
  verifyAndRefresh(
    id: SeedId,
    refresh: RefreshCredential,
    options?: QuestionOptions & { readonly readQuota?: ReadQuota },
  ): Promise<Verification>;
  /** One round over the seeds that nobody uses; {@link refreshIdleSeeds} repeats it. One after the other. @throws {SeedError} as {@link verifyAndRefresh}; `invalid-config`. */
  refreshIdle(options: RefreshIdleOptions): AsyncIterable<Verification>;
  /** Tells the store what could not be told before: see `SeedJournal`. Done by itself before every `acquire`. Gives how many notes are left. */
  catchUp(): Promise<number>;
}

/** @throws {SeedError} `invalid-config`. */
export function createSeeds(options: SeedsOptions): Seeds {
  const context: SeedContext = {
    ...contextOf(options),
    postpone: (entry) => catchUp.postpone(entry),
    catchUpWith: (holder) => catchUp.catchUpWith(holder),
  };
  const catchUp: CatchUp = createCatchUp(context);
  const line = createWaitingLine();
  const abandoned = createAbandonedLeases();
  const takes = createOwnTakes();
  const onReleased = (names: readonly string[]): void => line.next(names);
  const verify = async (seedId: SeedId, options: VerifyWork): Promise<Verification> => {
    await unlessAborted(catchUp.run, { signal: options.signal, attempt: `verify seed ${seedId}` });
    return await verifySeed(context, seedId, { ...options, onReleased, abandoned, takes });
  };
  return {
    capture: (capture) => captureSeed(context, capture),
    async acquire(target, holder, acquire = {}) {
      requireDuration({ waitMs: acquire.waitMs });
      const { signal } = acquire;
      const unsettled: UnsettledSeeds = new Map();
      const attempt = async (): Promise<SeedLease> => {
        // What this machine still knows has to be in the store before anybody builds on the store.
        await catchUp.run();
        const { lease } = await tryAcquire(context, target, {
          holder,
          forUpkeep: false,
          unsettled,
          onReleased,
          signal,
          takes,
        });
        return lease;
      };
      return await waitForSeed(context, attempt, {
        ...acquire,
        line,
        wanted: describeTarget(target),
        abandoned,
      });
    },
    async list(filter = {}) {
      const { seeds, unreadable, nowMs } = await context.store.list(filter);
      const shown = seeds.map(({ facts }) => overviewOf(context, facts, nowMs));
      return [...shown, ...unreadable.map(unreadableOverview)];
    },
    async get(id, question) {
      const { facts, nowMs } = await readSettled(context, id, question);
      return overviewOf(context, facts, nowMs);
    },
    assignToPool: (id, pool) => nameSeed(context, id, ['pool', pool]),
    label: (id, label) => nameSeed(context, id, ['label', label]),
    delete: (id) => deleteSeed(context, id),
    deleteUnreadable: (id) => deleteUnreadable(context, id),
    purge: (target) => purgeSeeds(context, target),
    async reseal(id, question = {}) {
      if (options.sealing === 'plaintext')
        throw new SeedError('invalid-config', 'There is no keyring to seal anything with: see `sealing`.');
      return await resealSeed(context, id, question);
    },
    recordQuota: (id, quota) => recordQuota(context, id, quota),
    restore: (id, generation) => restoreAside(context, id, generation),
    abandonLeft: (id) => abandonLeft(context, id),
    verifyAndRefresh: (id, refresh, verification = {}) => verify(id, { refresh, ...verification }),
    refreshIdle: (round) => refreshIdleOnce(context, verify, round),
    catchUp: () => catchUp.run(),
    async [Symbol.asyncDispose]() {
      await abandoned[Symbol.asyncDispose]();
      await catchUp[Symbol.asyncDispose]();
    },
  };
}
