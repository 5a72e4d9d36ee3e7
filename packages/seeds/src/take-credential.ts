import type { LeaseState } from './lease-state.ts';
import { noteOutstanding } from './outstanding.ts';
import { openStored } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import { readSettled } from './settle-overwritten.ts';

/**
 * A seed's credential, for a program that spends it itself. That it is out is noted first, in the journal and in the store: should the program die, nobody is given what may be spent.
 *
 * @throws {SeedError} `lease-lost`, `journal-failed`, `unreadable`, and what the store throws.
 */
export async function takeCredential(context: SeedContext, state: LeaseState): Promise<Uint8Array> {
  const { seedId, holder, fence } = state;
  await requireTold(context, holder);
  for (;;) {
    const { bytes, credential } = await openStored(context, await readSettled(context, seedId));
    const { generation: basis, rotates } = credential;
    if (rotates) {
      const note = { type: 'refreshing', seedId, store: context.store.label, basis, holder, fence } as const;
      state.intent ??= await context.journal?.write(note);
      if (!(await noteOutstanding(context, state, { phase: 'refreshing', basis }))) continue;
    }
    state.basis = basis;
    state.seen.add(basis);
    return bytes;
  }
}

/** What is stored is the newest only if nothing of this holder's waits in the journal. @throws {SeedError} `store-unavailable`. */
export async function requireTold({ catchUpWith, store }: SeedContext, holder: string): Promise<void> {
  if (await catchUpWith(holder)) return;
  throw new SeedError(
    'store-unavailable',
    `${store.label} has not been told yet what is in the journal of ${holder}: what it has may be spent.`,
  );
}

/** The note goes once the store, or a later note, says what became of the credential. */
export async function endIntent(context: SeedContext, state: LeaseState, isTold: boolean): Promise<void> {
  const { intent } = state;
  state.intent = undefined;
  if (intent === undefined) return;
  if (isTold) await intent.remove().catch(() => undefined);
  else context.postpone(intent);
}
