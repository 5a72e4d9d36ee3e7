import { changeSeed, without } from './change-seed.ts';
import type { JournalEntry, JournalNote } from './journal/seed-journal.ts';
import { type HeldLease, isHeldBy } from './lease-renewal.ts';
import type { LeaseState } from './lease-state.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts } from './seed-facts.ts';
import { endIntent } from './take-credential.ts';

/**
 * Frees the seed, and says that nothing of it is out there, if that is so. What the store cannot be told goes into the journal. Gives what is wrong if neither takes it: to whoever comes
 * next the credential is still where it was planted.
 */
export async function endLease(context: SeedContext, state: LeaseState): Promise<SeedError | undefined> {
  const { seedId, holder, unsaved } = state;
  // As long as a token is in a note alone, whoever takes the seed elsewhere must not take the stored one for the newest.
  const settled = !unsaved && (await context.catchUpWith(holder));
  let isTold = settled;
  let failure: unknown;
  try {
    await releaseLease(context, state, { settled });
    if (!settled && !unsaved) isTold = await noteEnd(context, state);
  } catch (cause) {
    if (!(cause instanceof SeedError && cause.code === 'not-found')) {
      failure = cause;
      context.report({ type: 'release-failed', seedId, holder, cause });
      isTold = !unsaved && (await noteEnd(context, state));
    }
  }
  await endIntent(context, state, isTold);
  const { planted } = state;
  if (isTold || unsaved || planted?.rotates !== true) return undefined;
  return new SeedError(
    'not-saved',
    `The lease of seed ${seedId} has ended, and neither ${context.store.label} nor a journal could be told. Keep ${planted.path}: the next holder looks there.`,
    { cause: failure },
  );
}

/**
 * Frees the seed of a lease whose acquisition has no answer, as soon as the store can be asked: it may have been given, or may be yet.
 */
export function endUnnoticed({ store, postpone }: SeedContext, held: HeldLease): void {
  postpone(inMemory({ type: 'ended', ...held, store: store.label }));
}

/** Whether it is on the disk. If not, it is told as long as this program lives. */
async function noteEnd({ journal, store, postpone }: SeedContext, state: LeaseState): Promise<boolean> {
  const { seedId, holder, fence, last } = state;
  const note = { type: 'ended', seedId, store: store.label, holder, fence, last } as const;
  const entry = await journal?.write(note).catch(() => undefined);
  postpone(entry ?? inMemory(note));
  return entry !== undefined;
}

function inMemory(note: JournalNote): JournalEntry {
  return { note, remove: async () => {}, release: async () => {} };
}

/**
 * One update: the lease, if it is still this one, and what was noted of its credential. A lease that is on its way to the store only is as good as ended: its fencing token is given out
 * now, and an update that would take it is one of a state that is no more.
 */
export async function releaseLease(
  context: SeedContext,
  held: HeldLease,
  { settled }: { readonly settled: boolean },
): Promise<void> {
  await changeSeed(context, held.seedId, ({ facts }) => {
    const isOurs = isHeldBy(facts.lease, held);
    const isNoted = settled && facts.outstanding?.holder === held.holder;
    const isOnItsWay = facts.fence < held.fence;
    if (!isOurs && !isNoted && !isOnItsWay) return { result: undefined };
    let next: SeedFacts = isOnItsWay ? { ...facts, fence: held.fence } : facts;
    if (isOurs) next = without(next, 'lease');
    if (isNoted) next = without(next, 'outstanding');
    return { change: { facts: next }, result: undefined };
  });
}
