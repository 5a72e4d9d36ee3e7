import type { JournalEntry } from './journal/seed-journal.ts';
import type { LeaseState, WriteBackOutcome } from './lease-state.ts';
import { type FoundCredential, saveBack } from './save-back.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import { requireTold } from './take-credential.ts';

/**
 * Saves what a lease's credential has become: first on this machine's disk, then in the store.
 *
 * @throws {SeedError} `not-saved` when it is in neither; `not-found` when the seed was deleted.
 */
export async function saveUnderLease(
  context: SeedContext,
  state: LeaseState,
  { bytes, how, isStillThere }: Pick<FoundCredential, 'bytes' | 'how' | 'isStillThere'>,
): Promise<WriteBackOutcome> {
  const known = await knownOutcome(context, state, bytes);
  if (known !== undefined) return known;
  const { seedId, holder, fence, basis } = state;
  const reading = context.kind.read(bytes);
  if (reading.state !== 'logged-in') {
    context.report({ type: 'ignored', seedId, holder, reason: reading.state });
    const outcome = { outcome: 'ignored', reason: reading.state } as const;
    state.looked = { bytes, outcome };
    return outcome;
  }
  const { generation } = reading;
  state.unsaved = true;
  const entry = await journaled(context, {
    type: 'credential',
    seedId,
    store: context.store.label,
    basis,
    holder,
    fence,
    how,
    bytes,
  });
  try {
    // It came out of what the notes hold: without them the store would take it for another's.
    await requireTold(context, holder);
    const found = { bytes, basis, holder, how, ...(isStillThere === undefined ? {} : { isStillThere }) };
    const outcome = await saveBack(context, seedId, found);
    if (outcome.outcome === 'saved' || outcome.outcome === 'unchanged') advance(state, generation);
    settle(state, bytes, outcome);
    await entry?.remove().catch(() => undefined);
    return outcome;
  } catch (cause) {
    if (cause instanceof SeedError && cause.code === 'not-found') {
      await entry?.remove().catch(() => undefined);
      throw cause;
    }
    if (entry === undefined) {
      context.report({ type: 'not-saved', seedId, holder, cause });
      throw new SeedError(
        'not-saved',
        `The credential of seed ${seedId} has changed, and could be saved neither in ${context.store.label} nor in a journal. It is only where it was read: keep that.`,
        { cause },
      );
    }
    advance(state, generation);
    const outcome = { outcome: 'journaled', generation } as const;
    settle(state, bytes, outcome);
    context.postpone(entry);
    context.report({ type: 'journaled', seedId, holder, cause });
    return outcome;
  }
}

function advance(state: LeaseState, generation: string): void {
  state.basis = generation;
  state.seen.add(generation);
}

function settle(state: LeaseState, bytes: Uint8Array, outcome: WriteBackOutcome): void {
  state.looked = { bytes, outcome };
  state.unsaved = false;
}

/** A journal that fails is no reason not to try the store. */
async function journaled(
  { journal }: SeedContext,
  note: Parameters<NonNullable<SeedContext['journal']>['write']>[0],
): Promise<JournalEntry | undefined> {
  return await journal?.write(note).catch(() => undefined);
}

/** What is said of bytes that were looked at just before. */
async function knownOutcome(
  context: SeedContext,
  { looked, basis: generation, holder }: LeaseState,
  bytes: Uint8Array,
): Promise<WriteBackOutcome | undefined> {
  if (looked?.bytes === undefined || looked.outcome === undefined) return undefined;
  if (Buffer.compare(looked.bytes, bytes) !== 0) return undefined;
  const { outcome } = looked.outcome;
  if (outcome === 'saved') return { outcome: 'unchanged', generation };
  // What became of it there is found by telling it once more: who tells a journal knows less than who can look at the file.
  if (outcome === 'journaled' && (await context.catchUpWith(holder))) return undefined;
  return looked.outcome;
}
