import { changeSeed, without } from './change-seed.ts';
import { type HeldLease, isHeldBy } from './lease-renewal.ts';
import type { LeaseState } from './lease-state.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts } from './seed-facts.ts';
import { endIntent } from './take-credential.ts';

/** Frees the seed, and says that nothing of it is out there, if that is so. What the store cannot be told goes into the journal. */
export async function endLease(context: SeedContext, state: LeaseState): Promise<void> {
  const { seedId, holder, unsaved } = state;
  // As long as a token is in a note alone, whoever takes the seed elsewhere must not take the stored one for the newest.
  const settled = !unsaved && (await context.catchUpWith(holder));
  let isTold = settled;
  try {
    await releaseLease(context, state, { settled });
    if (!settled && !unsaved) isTold = await noteEnd(context, state);
  } catch (cause) {
    if (!(cause instanceof SeedError && cause.code === 'not-found')) {
      context.report({ type: 'release-failed', seedId, holder, cause });
      isTold = !unsaved && (await noteEnd(context, state));
    }
  }
  await endIntent(context, state, isTold);
}

/** Whether it is on the disk. */
async function noteEnd({ journal, store, postpone }: SeedContext, state: LeaseState): Promise<boolean> {
  const { seedId, holder, fence } = state;
  const note = { type: 'ended', seedId, store: store.label, holder, fence } as const;
  const entry = await journal?.write(note).catch(() => undefined);
  if (entry !== undefined) postpone(entry);
  return entry !== undefined;
}

/** One update: the lease, if it is still this one, and what was noted of its credential. */
export async function releaseLease(
  context: SeedContext,
  held: HeldLease,
  { settled }: { readonly settled: boolean },
): Promise<void> {
  await changeSeed(context, held.seedId, ({ facts }) => {
    const isOurs = isHeldBy(facts.lease, held);
    const isNoted = settled && facts.outstanding?.holder === held.holder;
    if (!isOurs && !isNoted) return { result: undefined };
    let next: SeedFacts = facts;
    if (isOurs) next = without(next, 'lease');
    if (isNoted) next = without(next, 'outstanding');
    return { change: { facts: next }, result: undefined };
  });
}
