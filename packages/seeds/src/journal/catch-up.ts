import { changeSeed, type Decision, without } from '../change-seed.ts';
import { releaseLease } from '../lease-release.ts';
import { isHeldBy } from '../lease-renewal.ts';
import { type FoundCredential, saveBack } from '../save-back.ts';
import type { SeedContext } from '../seed-context.ts';
import { SeedError } from '../seed-error.ts';
import type { SeedEvent } from '../seed-event.ts';
import type { SeedFacts } from '../seed-facts.ts';
import type { StoredSeed } from '../seed-store.ts';
import type { JournalEntry, JournalNote } from './seed-journal.ts';

type CredentialNote = Extract<JournalNote, { type: 'credential' }>;

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;

/** Tells the store what it could not be told before. */
export interface CatchUp extends AsyncDisposable {
  /** Takes a note over, and tries until the store has it or this is disposed of. */
  postpone(entry: JournalEntry): void;
  /** Once, now, if there are notes of this holder: whether none is left. */
  catchUpWith(holder: string): Promise<boolean>;
  /** Now: this program's notes and those that dead programs left. What is left of them is tried again until it is told. Gives how many are left. @throws {SeedError} `journal-failed`. */
  run(): Promise<number>;
}

export function createCatchUp(context: SeedContext): CatchUp {
  const stop = new AbortController();
  let pending: JournalEntry[] = [];
  let running: Promise<number> | undefined;
  let retrying: Promise<void> | undefined;

  const once = async (): Promise<number> => {
    const [listing] = await Promise.allSettled([context.journal?.take()]);
    const taken = (listing.status === 'fulfilled' ? listing.value : undefined) ?? [];
    const others = taken.filter(({ note }) => note.store !== context.store.label);
    pending.push(...taken.filter((entry) => !others.includes(entry)));
    // Those of another store are for who has that, who may be at work already.
    for (const entry of others) await entry.release().catch(() => undefined);
    const told = await tellStore(context, pending);
    pending = pending.filter((entry) => !told.has(entry));
    // They are this program's alone now: nobody else will.
    if (pending.length > 0) retrying ??= retry();
    // Only now: what this program has in its memory needs no listing.
    if (listing.status === 'rejected') throw listing.reason;
    return pending.length + others.length;
  };
  const run = (): Promise<number> => {
    running ??= once().finally(() => {
      running = undefined;
    });
    return running;
  };
  const retry = async (): Promise<void> => {
    for (let pauseMs = FIRST_RETRY_MS; !stop.signal.aborted; pauseMs = Math.min(pauseMs * 2, LAST_RETRY_MS)) {
      await context.clock.sleep(pauseMs, { signal: stop.signal, background: true });
      if (stop.signal.aborted) return;
      await run().catch(() => undefined);
      if (pending.length > 0) continue;
      // In the same turn as the look: what is postponed from now on begins anew.
      retrying = undefined;
      return;
    }
  };
  return {
    postpone(entry) {
      pending.push(entry);
      retrying ??= retry();
    },
    async catchUpWith(holder) {
      const isPending = (): boolean => pending.some(({ note }) => note.holder === holder);
      if (isPending()) await run().catch(() => undefined);
      return !isPending();
    },
    run,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await retrying;
      await running?.catch(() => undefined);
      await Promise.allSettled(pending.map((entry) => entry.release()));
    },
  };
}

/** Tells what it can, in order; gives what was told. A store that is away is asked once. */
async function tellStore(
  context: SeedContext,
  entries: readonly JournalEntry[],
): Promise<ReadonlySet<JournalEntry>> {
  const told = new Set<JournalEntry>();
  const held = new Set<string>();
  for (const entry of intentsLast(entries)) {
    const { note } = entry;
    if (held.has(note.holder)) continue;
    // Only what came of asking the provider says that nothing else will: who writes back what it has taken goes on with it.
    const isAnswered =
      note.type === 'refreshing' &&
      entries.some(
        ({ note: other }) =>
          other.type === 'credential' && other.how === 'refreshed' && other.holder === note.holder,
      );
    try {
      const outcome = isAnswered ? undefined : await tell(context, note, entries);
      if (outcome === 'too-early') {
        held.add(note.holder);
        continue;
      }
      await entry.remove();
      told.add(entry);
      if (outcome === undefined) continue;
      const event: SeedEvent = { type: 'caught-up', seedId: note.seedId, holder: note.holder, outcome };
      context.report(event);
    } catch (failure) {
      if (failure instanceof SeedError && failure.code === 'store-unavailable') return told;
      // What comes after it in the same lease must not overtake it.
      held.add(note.holder);
    }
  }
  return told;
}

/** That a credential was taken is told once all is told that became of it: then the mark in the store names the last of it. */
function intentsLast(entries: readonly JournalEntry[]): readonly JournalEntry[] {
  const isIntent = ({ note }: JournalEntry): boolean => note.type === 'refreshing';
  return [...entries.filter((entry) => !isIntent(entry)), ...entries.filter(isIntent)];
}

async function tell(
  context: SeedContext,
  note: JournalNote,
  entries: readonly JournalEntry[],
): Promise<string> {
  try {
    switch (note.type) {
      case 'credential': {
        const { outcome } = await saveBack(context, note.seedId, {
          ...note,
          ...descentIn(context, note, entries),
        });
        if (note.how === 'refreshed') await releaseLease(context, note, { settled: true });
        return outcome;
      }
      case 'refreshing':
        return await changeSeed(context, note.seedId, (stored) => doubted(stored, note));
      case 'ended':
        await releaseLease(context, note, { settled: true });
        return 'released';
    }
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'not-found') return 'deleted';
    throw failure;
  }
}

/** What the notes of a lease say of one of them: what came after it, and whether it was the last, when nothing used the file any more. */
function descentIn(
  { kind }: SeedContext,
  note: CredentialNote,
  entries: readonly JournalEntry[],
): Pick<FoundCredential, 'isStillThere' | 'successors'> {
  const generationOf = ({ bytes }: CredentialNote): string | undefined => {
    const reading = kind.read(bytes);
    return reading.state === 'logged-in' ? reading.generation : undefined;
  };
  const ofLease = entries.map((entry) => entry.note).filter(({ holder }) => holder === note.holder);
  const own = generationOf(note);
  const later = ofLease.slice(ofLease.indexOf(note) + 1);
  const successors = later.flatMap((other) =>
    other.type === 'credential' ? (generationOf(other) ?? []) : [],
  );
  const isLast = own !== undefined && ofLease.some((other) => other.type === 'ended' && other.last === own);
  return { successors: new Set(successors.filter((each) => each !== own)), isStillThere: async () => isLast };
}

/**
 * The program died between asking the provider and writing down its answer: nobody will ever know more. Not before its lease is over: where processes cannot see each other, as in
 * containers with one journal, it may be alive and waiting for that answer. The lease goes with it, so that the mark of that refresh, should it still be on its way to the store, comes in vain.
 */
function doubted(
  { facts, nowMs }: StoredSeed,
  note: Extract<JournalNote, { type: 'refreshing' }>,
): Decision<'suspect' | 'too-early'> {
  const { outstanding, credential, lease, status } = facts;
  const result = 'suspect';
  const isLeased = isHeldBy(lease, note);
  if (isLeased && lease !== undefined && lease.expiresMs > nowMs) return { result: 'too-early' };
  const ended: SeedFacts = isLeased ? without(facts, 'lease') : facts;
  if (outstanding?.holder !== note.holder)
    return isLeased ? { change: { facts: ended }, result } : { result };
  const settled: SeedFacts = without(ended, 'outstanding');
  if (credential?.generation !== outstanding.basis || status === 'retired')
    return { change: { facts: settled }, result };
  const statusReason = 'a program died while it refreshed it; the token may be spent';
  return { change: { facts: { ...settled, status: 'suspect', statusReason } }, result };
}
