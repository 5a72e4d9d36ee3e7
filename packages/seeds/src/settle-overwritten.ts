import { changeSeed, type Decision } from './change-seed.ts';
import type { Credential } from './credential-kind.ts';
import { withAccount } from './details.ts';
import { isPast, withAside, withGeneration } from './lineage.ts';
import { credentialFacts, openArchive, openStored, sealContent } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedEvent } from './seed-event.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { StoredSeed } from './seed-store.ts';

/**
 * Decides between what this package stored and what another program has put in its place, by lineage and by what the credentials say; whichever is not
 * current is kept aside. Gives the seed as it is then.
 *
 * @throws {SeedError} what `changeSeed` throws; `unreadable` when another program captured it and it holds no login; `unsealing-failed` when what it put there cannot be opened: both stay
 * as they are.
 */
export async function readSettled(
  context: SeedContext,
  id: SeedId,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<StoredSeed> {
  const events: SeedEvent[] = [];
  for (;;) {
    const decide = async (stored: StoredSeed): Promise<Decision<StoredSeed | undefined>> => {
      events.length = 0;
      if (stored.unopened !== undefined) throw stored.unopened;
      if (!stored.overwritten || stored.foreign === undefined) return { result: stored };
      const { facts, content } = await judge(context, stored, { foreign: stored.foreign, events });
      return { change: { facts, content }, result: undefined };
    };
    const settled = await changeSeed(context, id, decide, { signal });
    if (settled !== undefined) return settled;
    for (const event of events) context.report(event);
  }
}

interface Judgement {
  readonly facts: SeedFacts;
  readonly content: Uint8Array;
}

async function judge(
  context: SeedContext,
  stored: StoredSeed,
  { foreign, events }: { readonly foreign: Uint8Array; readonly events: SeedEvent[] },
): Promise<Judgement> {
  const { facts, nowMs } = stored;
  const theirs = await openForeign(context, facts.id, foreign);
  if (facts.credential === undefined) {
    if (theirs?.credential.state === 'logged-in')
      return await adopted(context, stored, { ...theirs, credential: theirs.credential });
    throw new SeedError(
      'unreadable',
      `Seed ${facts.id} was captured by another program, and holds no ${context.kind.name} that is logged in.`,
    );
  }
  const tell = (current: 'ours' | 'theirs'): void => {
    events.push({ type: 'overwritten', seedId: facts.id, current });
  };
  const ours = await openStored(context, stored);
  const found = theirs?.credential;
  if (theirs === undefined || found?.state !== 'logged-in' || isForeign(ours.credential, found)) {
    tell('ours');
    return { facts, content: stored.content };
  }
  const their = { ...theirs, credential: found };
  if (found.generation === ours.credential.generation) {
    // The same token, written anew: nothing is at stake, and the fresher form is the more useful one.
    return isEarlier(ours.credential, found)
      ? await adopted(context, stored, their)
      : { facts, content: stored.content };
  }
  if (isPast(facts, found.generation)) {
    tell('ours');
    return { facts, content: stored.content };
  }
  const aside = (from: SeedFacts, generation: string, bytes: Uint8Array): SeedFacts =>
    withAside(context, from, { generation, atMs: nowMs, reason: 'overwritten', bytes });
  const isLater = isUntouched(facts) || !isEarlier(found, ours.credential);
  if (isLater && context.kind.succeeds(ours.credential, found)) {
    tell('theirs');
    const kept = aside(facts, ours.credential.generation, ours.bytes);
    return await adopted(context, { ...stored, facts: kept }, their);
  }
  tell('ours');
  events.push({
    type: 'kept-aside',
    seedId: facts.id,
    generation: found.generation,
    reason: 'overwritten',
  });
  return { facts: aside(facts, found.generation, theirs.bytes), content: stored.content };
}

/**
 * Whether ours is from before the newest lease, whoever has it: then what another program brings came out of it, or of something earlier that rotated into it. Where we have saved under
 * that lease there is nothing but the times to go by: that program does not say what its own came out of.
 */
function isUntouched({ lastLeasedMs, lineage }: SeedFacts): boolean {
  const since = lineage.at(-1)?.atMs;
  return since !== undefined && lastLeasedMs !== undefined && since < lastLeasedMs;
}

type Opened = Awaited<ReturnType<typeof openArchive>>;

/** `undefined` for what cannot be read: it is then no reason to give up ours. */
async function openForeign(
  context: SeedContext,
  id: SeedId,
  foreign: Uint8Array,
): Promise<Opened | undefined> {
  try {
    return await openArchive(context, id, foreign);
  } catch (failure) {
    if (failure instanceof SeedError && failure.code !== 'aborted') return undefined;
    throw failure;
  }
}

async function adopted(
  context: SeedContext,
  { facts, nowMs }: StoredSeed,
  { content, credential }: Opened & { readonly credential: Credential },
): Promise<Judgement> {
  const parent = facts.credential?.generation;
  const isNew = parent !== credential.generation;
  const next: SeedFacts = {
    ...facts,
    credential: credentialFacts(credential),
    lineage: isNew
      ? withGeneration(facts.lineage, {
          generation: credential.generation,
          ...(parent === undefined ? {} : { parent }),
          atMs: nowMs,
          how: 'foreign',
        })
      : facts.lineage,
  };
  return {
    facts: withAccount(context, next, credential.summary),
    content: await sealContent(context, facts.id, content),
  };
}

/** Whether one was given out before the other, as far as both say. */
export function isEarlier({ refreshedAtMs: one }: Credential, { refreshedAtMs: other }: Credential): boolean {
  return one !== undefined && other !== undefined && one < other;
}

/** An account that one of the two does not name is nobody else's. */
export function isForeign({ account: one }: Credential, { account: other }: Credential): boolean {
  return one !== undefined && other !== undefined && one !== other;
}
