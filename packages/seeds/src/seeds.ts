import { type AbandonedLeases, createAbandonedLeases } from './abandoned-leases.ts';
import {
  type AttemptOptions,
  describeTarget,
  type SeedTarget,
  tryAcquire,
  type UnsettledSeeds,
} from './acquire-seed.ts';
import { type CaptureOptions, captureSeed } from './capture-seed.ts';
import type { CredentialKind } from './credential-kind.ts';
import type { Quota } from './details.ts';
import type { RefreshIdleOptions } from './idle-refresh.ts';
import { type CatchUp, createCatchUp } from './journal/catch-up.ts';
import type { SeedJournal } from './journal/seed-journal.ts';
import { recordQuota } from './quota.ts';
import { reachThisMachine } from './reach-place.ts';
import { requireDuration } from './require-settings.ts';
import { openSealing, type SealingChoice, sealingOf } from './sealing.ts';
import {
  abandonLeft,
  deleteSeed,
  nameSeed,
  type PurgeReport,
  purgeSeeds,
  restoreAside,
} from './seed-care.ts';
import { type SeedClock, systemClock } from './seed-clock.ts';
import type { ReachPlace, SeedContext } from './seed-context.ts';
import { SeedError, SeedUnavailableError, unlessAborted } from './seed-error.ts';
import type { SeedEvent } from './seed-event.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { SeedLease } from './seed-lease.ts';
import { credentialFile, type SeedManifest } from './seed-manifest.ts';
import { overviewOf, type SeedOverview } from './seed-overview.ts';
import type { QuestionOptions, SeedStore } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';
import { type RefreshCredential, refreshUnderLease, type Verification } from './verify-and-refresh.ts';
import { type AcquireOptions, createWaitingLine, waitForSeed } from './wait-for-seed.ts';

const DAY_MS = 86_400_000;
const DEFAULT_LEASE_MS = 60_000;
/** Shorter, and a slow store would lose leases by its slowness alone. */
const MIN_LEASE_MS = 1_000;

export interface SeedsOptions {
  /** Stays the caller's: dispose of it after this. */
  readonly store: SeedStore;
  readonly kind: CredentialKind;
  readonly manifest: SeedManifest;
  /** The keyring that seals what is stored, or the word `plaintext`. */
  readonly sealing: SealingChoice;
  /** Where a token goes that the store cannot take; `none` if it may then be lost with the host's file. */
  readonly journal: SeedJournal | 'none';
  /** Finds the host on which a holder left a login when it died. This machine alone, unless given. */
  readonly reach?: ReachPlace;
  /** 60,000 unless given. A lease is renewed at a third of it. */
  readonly leaseMs?: number;
  /** What happens beside what was asked. What it throws is ignored. */
  readonly onEvent?: (event: SeedEvent) => void;
  /** For tests. */
  readonly clock?: SeedClock;
}

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
  /** Deletes all seeds, or those of a pool, that nobody holds, and what interrupted writes left in the store. */
  purge(filter?: { readonly pool?: string }): Promise<PurgeReport>;
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
   * Asks the provider about one seed, without an agent, and saves the token that comes out. Leases it like everybody else.
   *
   * @throws {SeedError} `journal-failed` before anything was spent; `not-saved`; `not-found`.
   */
  verifyAndRefresh(
    id: SeedId,
    refresh: RefreshCredential,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Verification>;
  /** One round over the seeds that nobody uses; {@link refreshIdleSeeds} repeats it. One after the other. */
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
  const onReleased = (names: readonly string[]): void => line.next(names);
  const verify = async (seedId: SeedId, options: VerifyOptions): Promise<Verification> => {
    await unlessAborted(catchUp.run, { signal: options.signal, attempt: `verify seed ${seedId}` });
    return await verifySeed(context, seedId, { ...options, onReleased, abandoned });
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
      const { seeds, nowMs } = await context.store.list(filter);
      return seeds.map(({ facts }) => overviewOf(context, facts, nowMs));
    },
    async get(id, question) {
      const { facts, nowMs } = await readSettled(context, id, question);
      return overviewOf(context, facts, nowMs);
    },
    assignToPool: (id, pool) => nameSeed(context, id, ['pool', pool]),
    label: (id, label) => nameSeed(context, id, ['label', label]),
    delete: (id) => deleteSeed(context, id),
    purge: (filter = {}) => purgeSeeds(context, filter),
    recordQuota: (id, quota) => recordQuota(context, id, quota),
    restore: (id, generation) => restoreAside(context, id, generation),
    abandonLeft: (id) => abandonLeft(context, id),
    verifyAndRefresh: (id, refresh, verification = {}) => verify(id, { refresh, ...verification }),
    async *refreshIdle({ refresh, olderThanMs = DAY_MS, pool, signal }) {
      requireDuration({ olderThanMs }, { most: Number.MAX_SAFE_INTEGER });
      const question = signal === undefined ? {} : { signal };
      const { seeds, nowMs } = await context.store.list({
        ...(pool === undefined ? {} : { pool }),
        ...question,
      });
      for (const { facts } of seeds) {
        if (signal?.aborted) return;
        if (!isIdle(facts, nowMs, olderThanMs)) continue;
        yield await verify(facts.id, { refresh, ...question });
      }
    },
    catchUp: () => catchUp.run(),
    async [Symbol.asyncDispose]() {
      await abandoned[Symbol.asyncDispose]();
      await catchUp[Symbol.asyncDispose]();
    },
  };
}

function contextOf(options: SeedsOptions): Omit<SeedContext, 'postpone' | 'catchUpWith'> {
  const { store, kind, manifest, sealing, journal, leaseMs = DEFAULT_LEASE_MS } = options;
  const isShared = store.contentReadBy !== 'nobody';
  if (store.contentReadBy === 'others' && sealing !== 'plaintext') {
    throw new SeedError(
      'invalid-config',
      `Seeds in ${store.label} are read by another program, which would take a sealed one for a dead login. Give that store a codec, keep sealed seeds in a collection of their own, or say 'plaintext'.`,
    );
  }
  requireDuration({ leaseMs }, { least: MIN_LEASE_MS });
  const factSealing = sealingOf(sealing);
  return {
    store,
    kind,
    manifest,
    credential: credentialFile(manifest),
    contentSealing: isShared ? openSealing : factSealing,
    factSealing,
    journal: journal === 'none' ? undefined : journal,
    clock: options.clock ?? systemClock,
    leaseMs,
    reach: options.reach ?? reachThisMachine,
    report: reportTo(options.onEvent),
  };
}

/** Whether it is time to refresh a seed that nobody uses. What does not rotate needs no care, what is retired gets none. */
function isIdle({ credential, lease, status }: SeedFacts, nowMs: number, olderThanMs: number): boolean {
  if (status === 'retired' || credential?.rotates === false) return false;
  if (lease !== undefined && lease.expiresMs > nowMs) return false;
  return (credential?.refreshedMs ?? 0) < nowMs - olderThanMs;
}

type VerifyOptions = { readonly refresh: RefreshCredential; readonly signal?: AbortSignal };

async function verifySeed(
  context: SeedContext,
  seedId: SeedId,
  {
    onReleased,
    abandoned,
    ...options
  }: VerifyOptions & Pick<AttemptOptions, 'onReleased'> & { readonly abandoned: AbandonedLeases },
): Promise<Verification> {
  try {
    const { signal } = options;
    const attempt = { holder: 'verification', forUpkeep: true, unsettled: new Map(), onReleased, signal };
    const started = await unlessAborted(() => tryAcquire(context, { seedId }, attempt), {
      signal,
      attempt: `verify seed ${seedId}`,
      late: (found) => abandoned.free(found.then(({ lease }) => lease)),
    });
    await using _lease = started.lease;
    return await refreshUnderLease(context, started, options);
  } catch (failure) {
    if (!(failure instanceof SeedUnavailableError)) throw failure;
    return { seedId, outcome: 'busy', reason: failure.message };
  }
}

/** What an observer throws is its own affair: no save fails for it. */
function reportTo(onEvent: SeedsOptions['onEvent']): SeedContext['report'] {
  return (event) => {
    try {
      onEvent?.(event);
    } catch {
      // Nobody to tell.
    }
  };
}
