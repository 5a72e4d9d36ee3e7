import { randomUUID } from 'node:crypto';
import { judgeCandidates } from './candidate-order.ts';
import { changeSeed, notFound, without } from './change-seed.ts';
import type { LeaseState } from './lease-state.ts';
import { refuseLost, salvage } from './outstanding.ts';
import type { OwnTakes } from './own-takes.ts';
import { openStored } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import {
  SeedError,
  type SeedErrorCode,
  type SeedRefusal,
  SeedUnavailableError,
  throwIfAborted,
} from './seed-error.ts';
import type { Outstanding, SeedFacts, SeedId } from './seed-facts.ts';
import { type StartedLease, startLease } from './seed-lease.ts';
import type { SeedListing, SeedReading } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';
import { refusalBy, takeLease } from './take-lease.ts';

/** What is wrong with one seed, and no reason not to try the next. */
const SEED_FAILURES = new Set<SeedErrorCode>([
  'unreadable',
  'unsealing-failed',
  'too-large',
  'not-found',
  'lease-lost',
]);

/** One seed, or any of a pool. */
export type SeedTarget = { readonly pool: string } | { readonly seedId: SeedId };

/** By the program's clock, in milliseconds. */
export type UnsettledSeeds = Map<SeedId, { readonly untilMs: number; readonly refusal: SeedRefusal }>;

export interface AttemptOptions {
  /** Made unique before it is stored. */
  readonly holder: string;
  readonly forUpkeep: boolean;
  /** Seeds whose last holder's place was looked at in vain, and until when that is not tried again. Belongs to one call. */
  readonly unsettled: UnsettledSeeds;
  /** With what the seed is wanted as: see {@link describeTarget}. */
  readonly onReleased: (names: readonly string[]) => void;
  readonly signal: AbortSignal | undefined;
  /** Of all calls in this program. */
  readonly takes: OwnTakes;
}

const RACES = 20;
const LOOK_AGAIN_MS = 10_000;

/**
 * Takes the best seed that is free.
 *
 * @throws {SeedUnavailableError} with every seed's reason, and when the next may be free. @throws {SeedError} `aborted`: no lease is left then.
 */
export async function tryAcquire(
  context: SeedContext,
  target: SeedTarget,
  options: AttemptOptions,
): Promise<StartedLease> {
  for (let round = 1; ; round += 1) {
    const found = await lookOnce(context, target, options);
    if (!Array.isArray(found)) return found;
    // Who lost every race has not been told yet whether a seed is free.
    const isTold = !found.some(({ reason }) => reason === 'lost-the-race');
    if (isTold || round === RACES) throw new SeedUnavailableError(describeTarget(target), found);
  }
}

async function lookOnce(
  context: SeedContext,
  target: SeedTarget,
  { holder: name, forUpkeep, unsettled, onReleased, signal, takes }: AttemptOptions,
): Promise<StartedLease | SeedRefusal[]> {
  // Before the store is asked for its time: so the lease ends here before it ends there.
  const sentMs = context.clock.monotonicMs();
  const listing = await listTarget(context, target, signal);
  const { usable, refusals } = judgeCandidates(listing, { forUpkeep });
  const failed: SeedRefusal[] = [...refusals];
  const holder = `${name}#${randomUUID()}`;
  const left = [...usable];
  // What somebody here is taking comes last: by then it is known whether it is taken.
  const later = new Set<SeedReading>();
  for (let candidate = left.shift(); candidate !== undefined; candidate = left.shift()) {
    const seedId = candidate.facts.id;
    throwIfAborted(signal, `acquire seed ${seedId}`);
    const tried = unsettled.get(seedId);
    if (tried !== undefined && context.clock.monotonicMs() < tried.untilMs) {
      failed.push(tried.refusal);
      continue;
    }
    const others = takes.tried(candidate);
    if (others !== undefined && !later.has(candidate)) {
      later.add(candidate);
      left.push(candidate);
      continue;
    }
    const theirs = others === undefined ? 'failed' : await others;
    if (theirs !== 'failed') {
      failed.push(refusalBy(seedId, theirs, listing.nowMs));
      continue;
    }
    // Looking after others took so long that the lease would be over soon: the store is asked anew.
    const isStale = context.clock.monotonicMs() - sentMs > context.leaseMs / 3;
    const settling = candidate.overwritten ? await settleNow(context, seedId) : 'settled';
    if (typeof settling === 'object') {
      unsettled.set(seedId, { untilMs: context.clock.monotonicMs() + LOOK_AGAIN_MS, refusal: settling });
      failed.push(settling);
      continue;
    }
    const isChanged = isStale || candidate.overwritten;
    const held = isChanged
      ? undefined
      : await takeLease(context, candidate, { holder, nowMs: listing.nowMs, takes });
    if (held === undefined) {
      failed.push({ seedId, reason: 'lost-the-race', untilMs: listing.nowMs });
      continue;
    }
    let isUsed = false;
    const started = startLease(context, {
      held,
      sentMs,
      onReleased() {
        takes.forget(candidate);
        // A seed that nobody could use is no news to those who wait for one.
        if (isUsed) onReleased(namesOf(candidate));
      },
    });
    const refused = await prepare(context, started, { left: candidate.facts.outstanding, signal });
    if (refused === undefined) {
      isUsed = true;
      return started;
    }
    unsettled.set(seedId, { untilMs: context.clock.monotonicMs() + LOOK_AGAIN_MS, refusal: refused });
    failed.push(refused);
  }
  return failed;
}

async function listTarget(
  context: SeedContext,
  target: SeedTarget,
  signal: AbortSignal | undefined,
): Promise<SeedListing> {
  const question = signal === undefined ? {} : { signal };
  if ('pool' in target) return await context.store.list({ pool: target.pool, ...question });
  const stored = await context.store.get(target.seedId, question);
  if (stored === undefined) throw notFound(context, target.seedId);
  return { seeds: [stored], unreadable: [], nowMs: stored.nowMs };
}

function namesOf({ facts }: SeedReading): readonly string[] {
  const { id: seedId, pool } = facts;
  return [describeTarget({ seedId }), ...(pool === undefined ? [] : [describeTarget({ pool })])];
}

export function describeTarget(target: SeedTarget): string {
  return 'pool' in target ? `pool ${target.pool}` : `seed ${target.seedId}`;
}

/**
 * Before the lease is ours: under which lease another program saved its own is known only until then. So where that cannot be settled no lease is taken.
 */
async function settleNow(context: SeedContext, seedId: SeedId): Promise<SeedRefusal | 'settled'> {
  try {
    await readSettled(context, seedId);
    return 'settled';
  } catch (failure) {
    const isItsOwn = failure instanceof SeedError && SEED_FAILURES.has(failure.code);
    if (isItsOwn) return { seedId, reason: 'unreadable', detail: failure.message };
    throw failure;
  }
}

/** What others left is settled before anybody works with the seed; the lease is renewed meanwhile. */
async function prepare(
  context: SeedContext,
  { lease, state }: StartedLease,
  { left, signal }: { readonly left: Outstanding | undefined; readonly signal: AbortSignal | undefined },
): Promise<SeedRefusal | undefined> {
  const { seedId } = state;
  try {
    throwIfAborted(signal, `acquire seed ${seedId}`);
    const unsettled = left === undefined ? undefined : await settleLeft(context, state, left);
    if (unsettled === undefined) {
      // Opened now, so that what cannot be opened is not given to anybody.
      const { credential } = await openStored(context, await readSettled(context, seedId, { signal }));
      state.basis = credential.generation;
      state.seen.add(state.basis);
      return undefined;
    }
    await lease[Symbol.asyncDispose]();
    return { seedId, reason: 'unsettled', detail: unsettled };
  } catch (failure) {
    await lease[Symbol.asyncDispose]();
    const isItsOwn = failure instanceof SeedError && SEED_FAILURES.has(failure.code);
    if (isItsOwn) return { seedId, reason: 'unreadable', detail: failure.message };
    throw failure;
  }
}

/** Why what a dead holder left is not settled; `undefined` once it is. */
async function settleLeft(
  context: SeedContext,
  state: LeaseState,
  left: Outstanding,
): Promise<string | undefined> {
  const { seedId } = state;
  const salvaged = await salvage(context, state, left);
  if (!salvaged.settled) {
    const { reason } = salvaged;
    const place = left.place === undefined ? {} : { place: left.place };
    context.report({ type: 'unsettled', seedId, holder: left.holder, ...place, reason });
    return `${left.holder} ended without a word, and ${reason}`;
  }
  await changeSeed(context, seedId, ({ facts }) => {
    refuseLost(facts, state);
    if (facts.outstanding?.holder !== left.holder) return { result: undefined };
    const settled: SeedFacts = without(facts, 'outstanding');
    const isDoubted = salvaged.doubtful && facts.status === 'alive';
    const statusReason = 'its last holder died and left no login; the token may be spent';
    const next: SeedFacts = isDoubted ? { ...settled, status: 'suspect', statusReason } : settled;
    return { change: { facts: next }, result: undefined };
  });
  return undefined;
}
