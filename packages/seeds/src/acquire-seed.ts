import { randomUUID } from 'node:crypto';
import { judgeCandidates } from './candidate-order.ts';
import { changeSeed, notFound, without } from './change-seed.ts';
import type { HeldLease } from './lease-renewal.ts';
import { salvage } from './outstanding.ts';
import type { SeedContext } from './seed-context.ts';
import { abortedError, SeedError, type SeedRefusal, SeedUnavailableError } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import {
  type LeaseStart,
  releaseLease,
  type SeedLease,
  type StartedLease,
  startLease,
} from './seed-lease.ts';
import type { SeedListing, SeedReading } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';

/** One seed, or any of a pool. */
export type SeedTarget = { readonly pool: string } | { readonly seedId: SeedId };

export interface AcquireOptions {
  /** How long to wait for a seed to become free, in milliseconds. 0 unless given. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export interface AttemptOptions {
  /** Made unique before it is stored. */
  readonly holder: string;
  readonly forUpkeep: boolean;
  readonly onReleased: () => void;
}

const RACES = 20;

/**
 * Takes the best seed that is free.
 *
 * @throws {SeedUnavailableError} with every seed's reason, and when the next may be free.
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
  { holder: name, forUpkeep, onReleased }: AttemptOptions,
): Promise<StartedLease | SeedRefusal[]> {
  const listing = await listTarget(context, target);
  const { usable, refusals } = judgeCandidates(listing, { forUpkeep });
  const failed: SeedRefusal[] = [...refusals];
  const holder = `${name}#${randomUUID()}`;
  for (const candidate of usable) {
    const seedId = candidate.facts.id;
    const start = await takeLease(context, candidate, { holder, nowMs: listing.nowMs });
    if (start === undefined) {
      failed.push({ seedId, reason: 'lost-the-race', untilMs: listing.nowMs });
      continue;
    }
    const checked = await underNewLease(context, start.held, candidate);
    if (typeof checked === 'string') return startLease(context, { ...start, basis: checked, onReleased });
    failed.push(checked);
  }
  return failed;
}

async function listTarget(context: SeedContext, target: SeedTarget): Promise<SeedListing> {
  if ('pool' in target) return await context.store.list({ pool: target.pool });
  const stored = await context.store.get(target.seedId);
  if (stored === undefined) throw notFound(context, target.seedId);
  return { seeds: [stored], nowMs: stored.nowMs };
}

export function describeTarget(target: SeedTarget): string {
  return 'pool' in target ? `pool ${target.pool}` : `seed ${target.seedId}`;
}

async function takeLease(
  context: SeedContext,
  candidate: SeedReading,
  { holder, nowMs }: { readonly holder: string; readonly nowMs: number },
): Promise<Pick<LeaseStart, 'held' | 'sentMs'> | undefined> {
  const { facts } = candidate;
  const fence = facts.fence + 1;
  const lease = { holder, fence, expiresMs: nowMs + context.leaseMs };
  const sentMs = context.clock.monotonicMs();
  const taken = { ...facts, lease, fence, lastLeasedMs: nowMs, updatedMs: nowMs };
  const won = await context.store.update(candidate, { facts: taken });
  return won ? { held: { seedId: facts.id, holder, fence }, sentMs } : undefined;
}

/** What has to be known before anybody works with it: the generation that the store has, once all that others left is settled. */
async function underNewLease(
  context: SeedContext,
  held: HeldLease,
  candidate: SeedReading,
): Promise<string | SeedRefusal> {
  const { seedId } = held;
  try {
    const left = candidate.facts.outstanding;
    if (left !== undefined) {
      const salvaged = await salvage(context, held, left);
      if (!salvaged.settled) {
        const { reason } = salvaged;
        const { place, holder } = left;
        context.report({
          type: 'unsettled',
          seedId,
          holder,
          ...(place === undefined ? {} : { place }),
          reason,
        });
        await releaseLease(context, held, { settled: false });
        return { seedId, reason: 'unsettled', detail: `${left.holder} ended without a word, and ${reason}` };
      }
      await changeSeed(context, seedId, ({ facts }) => ({
        change: { facts: without(facts, 'outstanding') },
        result: undefined,
      }));
    }
    const { facts } = await readSettled(context, seedId);
    if (facts.credential !== undefined) return facts.credential.generation;
    throw new SeedError('unreadable', `Seed ${seedId} holds no login.`);
  } catch (failure) {
    await releaseLease(context, held, { settled: false }).catch(() => undefined);
    throw failure;
  }
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
      const pauseMs = Math.min(leftMs, LONGEST_LOOK_MS * (0.5 + Math.random() / 2));
      const either = signal === undefined ? wake : AbortSignal.any([wake, signal]);
      await context.clock.sleep(pauseMs, { signal: either });
    }
  }
}
