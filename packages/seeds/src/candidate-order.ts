import type { SeedRefusal } from './seed-error.ts';
import type { SeedListing, SeedReading } from './seed-store.ts';

/** A login above this has little room: it is taken when no other is free. */
const AMPLE_PERCENT = 80;

export interface Candidates {
  /** Those that may be taken, the best first. */
  readonly usable: readonly SeedReading[];
  readonly refusals: readonly SeedRefusal[];
}

export interface CandidateWishes {
  /** Takes a seed whatever its quota and status: to look after it, not to work with it. */
  readonly forUpkeep: boolean;
}

/** Who may be taken now: alive before suspect, ample before nearly used up, then the one that was not leased for the longest time. */
export function judgeCandidates(
  { seeds, unreadable, nowMs }: SeedListing,
  { forUpkeep }: CandidateWishes,
): Candidates {
  const judged = seeds.map((seed) => ({ seed, refusal: refusalOf(seed, nowMs, forUpkeep) }));
  const usable = judged.flatMap(({ seed, refusal }) => (refusal === undefined ? [seed] : []));
  const rank = ({ facts }: SeedReading): readonly number[] => [
    facts.status === 'alive' ? 0 : 1,
    usedPercent(facts.load, nowMs) < AMPLE_PERCENT ? 0 : 1,
    facts.lastLeasedMs ?? 0,
    facts.createdMs,
  ];
  return {
    usable: usable.sort((one, other) => compareRanks(rank(one), rank(other))),
    refusals: [
      ...judged.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal])),
      ...unreadable.map(({ id, reason }) => ({ seedId: id, reason: 'unreadable', detail: reason }) as const),
    ],
  };
}

function refusalOf({ facts }: SeedReading, nowMs: number, forUpkeep: boolean): SeedRefusal | undefined {
  const { id: seedId, lease, load, status, statusReason } = facts;
  if (status === 'retired' && !forUpkeep)
    return { seedId, reason: 'retired', ...(statusReason === undefined ? {} : { detail: statusReason }) };
  if (lease !== undefined && lease.expiresMs > nowMs)
    return { seedId, reason: 'leased', untilMs: lease.expiresMs, detail: `by ${lease.holder}` };
  if (!forUpkeep && load !== undefined && usedPercent(load, nowMs) >= 100) {
    const until = load.resetsMs === undefined ? {} : { untilMs: load.resetsMs };
    return { seedId, reason: 'exhausted', ...until };
  }
  return undefined;
}

function usedPercent(
  load: { readonly usedPercent: number; readonly resetsMs?: number } | undefined,
  nowMs: number,
): number {
  if (load === undefined || (load.resetsMs !== undefined && load.resetsMs <= nowMs)) return 0;
  return load.usedPercent;
}

function compareRanks(one: readonly number[], other: readonly number[]): number {
  for (const [index, rank] of one.entries()) {
    const difference = rank - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
