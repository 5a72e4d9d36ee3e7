import { changeSeed, without } from './change-seed.ts';
import { openAside, withAside, withGeneration } from './lineage.ts';
import { credentialFacts, openStored, sealContent } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';
import { readSettled } from './settle-overwritten.ts';

/** Sets or, with `undefined`, removes a name that people gave. */
export async function nameSeed(
  context: SeedContext,
  id: SeedId,
  [name, value]: readonly ['pool' | 'label', string | undefined],
): Promise<void> {
  await changeSeed(context, id, ({ facts }) => {
    const named: SeedFacts = value === undefined ? without(facts, name) : { ...facts, [name]: value };
    return { change: { facts: named }, result: undefined };
  });
}

export async function deleteSeed({ store, clock }: SeedContext, id: SeedId): Promise<void> {
  for (;;) {
    const stored = await store.get(id);
    if (stored === undefined) return;
    refuseInUse(stored, 'delete');
    if (await store.remove(stored)) return;
    await clock.sleep(clock.random() * 20);
  }
}

/** What cannot be read says nothing of a holder: who asks for this has made sure that there is none. */
export async function deleteUnreadable({ store, clock }: SeedContext, id: SeedId): Promise<void> {
  while (!(await store.removeUnreadable(id))) {
    let stored: StoredSeed | undefined;
    try {
      stored = await store.get(id);
    } catch (failure) {
      if (!(failure instanceof SeedError && failure.code === 'unreadable')) throw failure;
      await clock.sleep(clock.random() * 20);
      continue;
    }
    if (stored === undefined) return;
    throw new SeedError(
      'invalid-config',
      `Did not delete seed ${id}: it can be read. Use delete, which looks whether somebody holds it.`,
    );
  }
}

/** Which seeds a purge deletes; `all` is a word of its own, so that nothing that was left out deletes every login. */
export type PurgeTarget = { readonly pool: string } | 'all';

/** What a purge came to. */
export interface PurgeReport {
  readonly deleted: readonly SeedId[];
  /** Those that somebody holds; they are still there. */
  readonly inUse: readonly SeedId[];
}

export async function purgeSeeds(context: SeedContext, target: PurgeTarget): Promise<PurgeReport> {
  const filter = filterOf(target);
  const deleted: SeedId[] = [];
  const inUse: SeedId[] = [];
  for (const { facts } of (await context.store.list(filter)).seeds) {
    try {
      await deleteSeed(context, facts.id);
      deleted.push(facts.id);
    } catch (failure) {
      if (!(failure instanceof SeedError && failure.code === 'in-use')) throw failure;
      inUse.push(facts.id);
    }
  }
  await context.store.sweep();
  return { deleted, inUse };
}

function filterOf(target: PurgeTarget): { readonly pool?: string } {
  if (target === 'all') return {};
  if (typeof target === 'object' && target !== null && typeof target.pool === 'string')
    return { pool: target.pool };
  throw new SeedError(
    'invalid-config',
    "A purge deletes logins: say of which pool, { pool }, or the word 'all'. Nothing was deleted.",
  );
}

/** Makes a credential that is kept aside the current one; the one that was current is kept aside. */
export async function restoreAside(context: SeedContext, id: SeedId, generation: string): Promise<void> {
  await readSettled(context, id);
  await changeSeed(context, id, async (stored) => {
    const { facts, nowMs } = stored;
    refuseInUse(stored, 'restore');
    if (facts.credential?.generation === generation) return { result: undefined };
    const aside = facts.aside.find((kept) => kept.generation === generation);
    if (aside === undefined)
      throw new SeedError('not-found', `Seed ${id} has no credential ${generation} kept aside.`);
    const bytes = openAside(context, facts, aside);
    const reading = context.kind.read(bytes);
    if (reading.state !== 'logged-in')
      throw new SeedError('unreadable', `What seed ${id} keeps aside as ${generation} is no login any more.`);
    const held = await openStored(context, stored);
    const parent = held.credential.generation;
    const left = { ...facts, aside: facts.aside.filter((kept) => kept !== aside) };
    const replaced = { generation: parent, atMs: nowMs, reason: 'replaced', bytes: held.bytes } as const;
    const next: SeedFacts = {
      ...without(withAside(context, left, replaced), 'statusReason'),
      status: 'alive',
      credential: credentialFacts(reading),
      lineage: withGeneration(facts.lineage, { generation, parent, atMs: nowMs, how: 'restored' }),
    };
    const content = new Map(held.content).set(context.credential.path, bytes);
    return { change: { facts: next, content: await sealContent(context, id, content) }, result: undefined };
  });
}

/** Gives up what a dead holder left somewhere: the stored credential counts, and is suspect. */
export async function abandonLeft(context: SeedContext, id: SeedId): Promise<void> {
  await changeSeed(context, id, (stored) => {
    refuseInUse(stored, 'give up what was left of');
    const { facts } = stored;
    if (facts.outstanding === undefined) return { result: undefined };
    const settled: SeedFacts = without(facts, 'outstanding');
    if (facts.status !== 'alive') return { change: { facts: settled }, result: undefined };
    const statusReason = 'what its last holder left was given up; the token may be spent';
    return { change: { facts: { ...settled, status: 'suspect', statusReason } }, result: undefined };
  });
}

function refuseInUse({ facts, nowMs }: StoredSeed, wanted: string): void {
  const { lease } = facts;
  if (lease === undefined || lease.expiresMs <= nowMs) return;
  throw new SeedError(
    'in-use',
    `Did not ${wanted} seed ${facts.id}: ${lease.holder} has it. End that task first, or wait until ${new Date(lease.expiresMs).toISOString()}.`,
  );
}
