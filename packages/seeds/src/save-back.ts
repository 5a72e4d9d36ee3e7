import { changeSeed, type Decision, without } from './change-seed.ts';
import type { Credential } from './credential-kind.ts';
import { plainSummary, withDetails } from './details.ts';
import { isPast, withAside, withGeneration } from './lineage.ts';
import { credentialFacts, type OpenedSeed, openStored, sealContent } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import type { IgnoredReason, SeedEvent } from './seed-event.ts';
import type { LineageEntry, Outstanding, SeedFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';
import { isFresher, readSettled } from './settle-overwritten.ts';

/** A credential that was found somewhere, and what it came out of. */
export interface FoundCredential {
  readonly bytes: Uint8Array;
  /** The generation that was put there. */
  readonly basis: string;
  readonly holder: string;
  readonly how: Extract<LineageEntry['how'], 'rotated' | 'refreshed'>;
  /**
   * Whether the place that it was read from holds these very bytes still. Asked after the store was read: what an agent has in its file then is no older than what anybody found
   * there before.
   */
  readonly isStillThere?: () => Promise<boolean>;
}

/**
 * What became of it.
 *
 * - `saved`: it is the current one.
 * - `unchanged`: the store has it.
 * - `superseded`: it was the current one once; the store has a later one.
 * - `kept-aside`: somebody else rotated meanwhile (`conflict`), or it is of the same account and no successor (`doubtful`). It can be made the current one by `Seeds.restore`.
 * - `ignored`: it is no credential of this seed.
 */
export type SaveOutcome =
  | { readonly outcome: 'saved' | 'unchanged' | 'superseded'; readonly generation: string }
  | {
      readonly outcome: 'kept-aside';
      readonly generation: string;
      readonly reason: 'conflict' | 'doubtful' | 'overwritten' | 'replaced';
    }
  | { readonly outcome: 'ignored'; readonly reason: IgnoredReason };

/**
 * Saves a credential if it came out of the one that the store has, in one update that names it. Idempotent: told twice, it is saved once.
 *
 * Whose lease it is does not matter: a holder that comes late, and alone, brings the only good token; one that comes late after another has rotated brings one that is kept aside.
 *
 * @throws {SeedError} `not-found`, `store-unavailable`, `store-failed`, `unreadable`, `unsealing-failed`.
 */
export async function saveBack(
  context: SeedContext,
  id: SeedId,
  found: FoundCredential,
): Promise<SaveOutcome> {
  const next = context.kind.read(found.bytes);
  if (next.state !== 'logged-in') {
    context.report({ type: 'ignored', seedId: id, holder: found.holder, reason: next.state });
    return { outcome: 'ignored', reason: next.state };
  }
  await readSettled(context, id);
  let event: SeedEvent | undefined;
  const outcome = await changeSeed<SaveOutcome | 'overwritten'>(context, id, async (stored) => {
    event = undefined;
    if (stored.overwritten) return { result: 'overwritten' };
    const decided = await decide(context, stored, { found, next });
    event = decided.event;
    return decided;
  });
  if (outcome === 'overwritten') return await saveBack(context, id, found);
  if (event !== undefined) context.report(event);
  return outcome;
}

type Verdict = Decision<SaveOutcome> & { readonly event?: SeedEvent };

async function decide(
  context: SeedContext,
  stored: StoredSeed,
  { found, next }: { readonly found: FoundCredential; readonly next: Credential },
): Promise<Verdict> {
  const { facts } = stored;
  const { generation } = next;
  const about = { seedId: facts.id, holder: found.holder };
  const held = await openStored(context, stored);
  if (next.account !== held.credential.account) {
    const reason = 'foreign-account';
    return { result: { outcome: 'ignored', reason }, event: { type: 'ignored', ...about, reason } };
  }
  if (generation === held.credential.generation) {
    if (!isFresher(held.credential, next)) return { result: { outcome: 'unchanged', generation } };
    return await accepted(context, stored, { found, next, held });
  }
  if (isPast(facts, generation)) return { result: { outcome: 'superseded', generation } };
  const isLate =
    held.credential.generation !== found.basis && !(await isNextOfHolder(facts, found, { held, next }));
  if (!isLate && context.kind.succeeds(held.credential, next))
    return await accepted(context, stored, { found, next, held });
  const known = facts.aside.find((aside) => aside.generation === generation);
  if (known !== undefined) return { result: { outcome: 'kept-aside', generation, reason: known.reason } };
  const reason = isLate ? 'conflict' : 'doubtful';
  const { bytes, holder } = found;
  const kept = withAside(context, facts, { generation, atMs: stored.nowMs, holder, reason, bytes });
  return {
    change: { facts: isLate ? suspected(kept) : kept },
    result: { outcome: 'kept-aside', generation, reason },
    event: { type: 'kept-aside', ...about, generation, reason },
  };
}

/**
 * Whether what is stored came from the same holder, by whoever found it at its place, and this is what it became after that: by when they were given out, and where that is the same
 * second, by what is in the file now. Without a file to look at nobody knows which of those two came first.
 */
async function isNextOfHolder(
  { lineage }: SeedFacts,
  { holder, isStillThere }: FoundCredential,
  { held, next }: { readonly held: OpenedSeed; readonly next: Credential },
): Promise<boolean> {
  const saved = lineage.findLast(({ generation }) => generation === held.credential.generation);
  if (saved?.how !== 'rotated' || saved.holder !== holder) return false;
  const before = held.credential.refreshedAtMs;
  const { refreshedAtMs: after } = next;
  if (before !== undefined && after !== undefined && before !== after) return before < after;
  return isStillThere !== undefined && (await isStillThere());
}

async function accepted(
  context: SeedContext,
  { facts, nowMs }: StoredSeed,
  {
    found,
    next,
    held,
  }: { readonly found: FoundCredential; readonly next: Credential; readonly held: OpenedSeed },
): Promise<Verdict> {
  const { generation } = next;
  const parent = held.credential.generation;
  const isNew = generation !== parent;
  const rotated: SeedFacts = {
    ...without(facts, 'statusReason', 'outstanding'),
    // Whatever was thought of it: the provider has just given out a new one.
    status: isNew ? 'alive' : facts.status,
    ...(isNew || facts.statusReason === undefined ? {} : { statusReason: facts.statusReason }),
    credential: credentialFacts(next),
    aside: facts.aside.filter((aside) => aside.generation !== generation),
    lineage: isNew
      ? withGeneration(facts.lineage, {
          generation,
          parent,
          atMs: nowMs,
          holder: found.holder,
          how: found.how,
        })
      : facts.lineage,
    ...stillOutstanding(facts.outstanding, found, generation),
  };
  const account = next.summary === undefined ? {} : { account: plainSummary(next.summary) };
  const content = new Map(held.content).set(context.credential.path, found.bytes);
  return {
    change: {
      facts: withDetails(context, rotated, account),
      content: await sealContent(context, facts.id, content),
    },
    result: { outcome: 'saved', generation },
    event: { type: 'saved', seedId: facts.id, holder: found.holder, generation },
  };
}

function suspected(facts: SeedFacts): SeedFacts {
  if (facts.status !== 'alive') return facts;
  return {
    ...facts,
    status: 'suspect',
    statusReason: 'two holders have rotated it; one of the two tokens may be spent',
  };
}

/** What is still out there of its holder is what was saved; a refresh that was saved is over. */
function stillOutstanding(
  outstanding: Outstanding | undefined,
  { holder, how }: FoundCredential,
  generation: string,
): Pick<SeedFacts, 'outstanding'> {
  if (outstanding === undefined) return {};
  if (outstanding.holder !== holder) return { outstanding };
  return how === 'refreshed' ? {} : { outstanding: { ...outstanding, basis: generation } };
}
