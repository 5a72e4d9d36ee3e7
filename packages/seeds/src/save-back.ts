import { changeSeed, type Decision, without } from './change-seed.ts';
import type { Credential } from './credential-kind.ts';
import { withAccount } from './details.ts';
import { isPast, withAside, withGeneration } from './lineage.ts';
import { credentialFacts, type OpenedSeed, openStored, sealContent } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import type { IgnoredReason, SeedEvent } from './seed-event.ts';
import type { LineageEntry, Outstanding, SeedFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';
import { isEarlier, isForeign, readSettled } from './settle-overwritten.ts';

/** A credential that was found somewhere, and what it came out of. */
export interface FoundCredential {
  readonly bytes: Uint8Array;
  /** The generation that was put there. */
  readonly basis: string;
  readonly holder: string;
  readonly how: Extract<LineageEntry['how'], 'rotated' | 'refreshed'>;
  /**
   * Whether the place that it was read from holds these very bytes still. Asked after the store was read: what an agent has in its file then is no older than what anybody found
   * there before: its file goes one way. Absent where it was in no file.
   */
  readonly isStillThere?: () => Promise<boolean>;
  /** What the same holder's became after it, as far as that was written down. */
  readonly successors?: ReadonlySet<string>;
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
  if (isForeign(held.credential, next)) {
    const reason = 'foreign-account';
    return { result: { outcome: 'ignored', reason }, event: { type: 'ignored', ...about, reason } };
  }
  if (generation === held.credential.generation) {
    if (!isEarlier(held.credential, next)) return { result: { outcome: 'unchanged', generation } };
    return await accepted(context, stored, { found, next, held });
  }
  const isKnown = (each: string): boolean => each === held.credential.generation || isPast(facts, each);
  if (isPast(facts, generation) || [...(found.successors ?? [])].some(isKnown))
    return { result: { outcome: 'superseded', generation } };
  const descent = await descentOf(facts, found, { held, next });
  const isLate = descent === undefined;
  if (!isLate && context.kind.succeeds(held.credential, next))
    return await accepted(context, stored, { found, next, held, descent });
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

/** How it is known that a credential came out of the stored one: its basis is the stored one, it was in the same file after it, or it was given out later. */
type Descent = 'basis' | 'file' | 'time';

/**
 * Where the basis is not what is stored: whether what is stored came from the same holder, by whoever found it at its place, and this is what it became after that. A file goes one way,
 * whatever clocks say: what is in it after the store was read is the later one. Where there is none the provider's times decide.
 */
async function descentOf(
  { lineage }: SeedFacts,
  { basis, holder, isStillThere }: FoundCredential,
  { held, next }: { readonly held: OpenedSeed; readonly next: Credential },
): Promise<Descent | undefined> {
  if (held.credential.generation === basis) return 'basis';
  const saved = lineage.findLast(({ generation }) => generation === held.credential.generation);
  if (saved?.how !== 'rotated' || saved.holder !== holder) return undefined;
  if (isStillThere !== undefined) return (await isStillThere()) ? 'file' : undefined;
  return isEarlier(held.credential, next) ? 'time' : undefined;
}

interface Acceptance {
  readonly found: FoundCredential;
  readonly next: Credential;
  readonly held: OpenedSeed;
  /** Absent where the generation stays. */
  readonly descent?: Descent;
}

async function accepted(
  context: SeedContext,
  stored: StoredSeed,
  { found, next, held, descent }: Acceptance,
): Promise<Verdict> {
  const { nowMs } = stored;
  const { generation } = next;
  const parent = held.credential.generation;
  const isNew = generation !== parent;
  // A rotation by all that was seen, although it says that it is older than what it came out of.
  const isBackwards = isNew && isEarlier(next, held.credential);
  const facts =
    isBackwards || descent === 'time' ? withReplaced(context, stored, { found, held }) : stored.facts;
  const rotated: SeedFacts = {
    ...without(facts, 'statusReason', 'outstanding'),
    // Whatever was thought of it: the provider has just given out a new one.
    status: isNew ? 'alive' : facts.status,
    ...(isNew || facts.statusReason === undefined ? {} : { statusReason: facts.statusReason }),
    ...(isBackwards ? BACKWARDS : {}),
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
  const content = new Map(held.content).set(context.credential.path, found.bytes);
  return {
    change: {
      facts: withAccount(context, rotated, next.summary),
      content: await sealContent(context, facts.id, content),
    },
    result: { outcome: 'saved', generation },
    event: { type: 'saved', seedId: facts.id, holder: found.holder, generation },
  };
}

const BACKWARDS = {
  status: 'suspect',
  statusReason: 'its token says that it was given out before the one it came out of, which is kept aside',
} as const;

/** Keeps what is replaced where that rests on times, or speaks against them: the first that a holder replaces so, since the rest comes from it. */
function withReplaced(
  context: SeedContext,
  { facts, nowMs }: StoredSeed,
  { found: { holder }, held }: { readonly found: FoundCredential; readonly held: OpenedSeed },
): SeedFacts {
  if (facts.aside.some((aside) => aside.reason === 'replaced' && aside.holder === holder)) return facts;
  const { bytes, credential } = held;
  const { generation } = credential;
  return withAside(context, facts, { generation, atMs: nowMs, holder, reason: 'replaced', bytes });
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
