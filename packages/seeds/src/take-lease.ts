import { endUnnoticed } from './lease-release.ts';
import type { HeldLease } from './lease-renewal.ts';
import type { OwnTakes, TakeOutcome } from './own-takes.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, type SeedRefusal } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import type { SeedReading } from './seed-store.ts';

/** What another taker of this program has found out is as good as what the store would say. */
export function refusalBy(
  seedId: SeedId,
  theirs: Exclude<TakeOutcome, 'failed'>,
  nowMs: number,
): SeedRefusal {
  if (theirs === 'lost') return { seedId, reason: 'lost-the-race', untilMs: nowMs };
  return { seedId, reason: 'leased', untilMs: theirs.expiresMs, detail: `by ${theirs.holder}` };
}

interface Taking {
  readonly holder: string;
  readonly nowMs: number;
  readonly takes: OwnTakes;
}

/** `undefined` when it is no longer as it was read. */
export async function takeLease(
  context: SeedContext,
  candidate: SeedReading,
  { holder, nowMs, takes }: Taking,
): Promise<HeldLease | undefined> {
  const { facts } = candidate;
  const fence = facts.fence + 1;
  const lease = { holder, fence, expiresMs: nowMs + context.leaseMs };
  const taken = { ...facts, lease, fence, lastLeasedMs: nowMs, updatedMs: nowMs };
  const held = { seedId: facts.id, holder, fence };
  const taking = context.store.update(candidate, { facts: taken });
  takes.begin(
    candidate,
    taking.then(
      (isTaken) => (isTaken ? lease : 'lost'),
      () => 'failed',
    ),
  );
  try {
    return (await taking) ? held : undefined;
  } catch (failure) {
    // It may have been given, or may be yet, and nobody knows of it.
    if (failure instanceof SeedError && failure.code === 'store-unavailable') endUnnoticed(context, held);
    throw failure;
  }
}
