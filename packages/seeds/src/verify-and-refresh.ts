import { changeSeed, without } from './change-seed.ts';
import type { Quota } from './details.ts';
import type { LeaseState } from './lease-state.ts';
import { type ReadQuota, updateQuota } from './quota.ts';
import { saveUnderLease } from './save-under-lease.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError, throwIfAborted } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { StartedLease } from './seed-lease.ts';
import { readSettled } from './settle-overwritten.ts';
import { takeCredential } from './take-credential.ts';

/**
 * What the provider said.
 *
 * - `refreshed`: with the whole new credential, in the form of the file.
 * - `alive`: it is good, and nothing was spent.
 * - `invalid`: the provider itself says that this grant is no more. Nothing else is: no status code alone, no missing answer.
 * - `unknown`: anything else: too many requests, a failing server, a page of somebody else, no answer.
 */
export type RefreshOutcome =
  | { readonly outcome: 'refreshed'; readonly bytes: Uint8Array }
  | { readonly outcome: 'alive' }
  | { readonly outcome: 'invalid' | 'unknown'; readonly reason: string };

/** Asks the provider to refresh a credential, once, without an agent and without a host. What it throws counts as `unknown`. Given by the package of the agent. */
export type RefreshCredential = (
  bytes: Uint8Array,
  options: { readonly signal: AbortSignal },
) => Promise<RefreshOutcome>;

/**
 * What a verification found.
 *
 * - `alive`: the provider says so, or it is a key, which is alive by being there.
 * - `refreshed`: and the store has the new token; with `journaled`, this machine's journal has it until the store can be reached.
 * - `retired`: the provider says that the grant is no more.
 * - `unknown`: nobody knows; nothing has changed.
 * - `busy`: somebody holds it, or held it and died; nothing was asked.
 * - `quota-read`: it was not time to refresh; what it has left was asked for, and is kept.
 */
export interface Verification {
  readonly seedId: SeedId;
  readonly outcome: 'alive' | 'refreshed' | 'journaled' | 'retired' | 'unknown' | 'busy' | 'quota-read';
  readonly reason?: string;
  /** What it has left, if that was asked for, and said. It is kept with the seed. */
  readonly quota?: Quota;
}

/** What a verification does. */
export interface VerifyWork {
  readonly refresh: RefreshCredential;
  /** Asked once the login is known to be alive. */
  readonly readQuota?: ReadQuota | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SAVE_TRIES = 6;
const KNOWN_ALIVE = new Set<Verification['outcome']>(['alive', 'refreshed', 'journaled']);

/**
 * Under a lease: refreshes the credential and saves what came out. That it is under way is noted in the store and the journal before the provider is asked, and its answer is in the journal before anything else happens.
 *
 * @throws {SeedError} `journal-failed` before anything was spent; `not-saved` when neither store nor journal take the new token.
 */
export async function refreshUnderLease(
  context: SeedContext,
  { lease, state }: StartedLease,
  { refresh, readQuota, signal }: VerifyWork,
): Promise<Verification> {
  const { seedId } = state;
  // Until something may be spent it can be given up; from then on what becomes of it is seen through.
  const stored = await readSettled(context, seedId, { signal });
  if (stored.facts.credential?.rotates === false) {
    await judgeStatus(context, state, { status: 'alive' });
    return { seedId, outcome: 'alive', reason: 'a key does not rotate, and is not asked for' };
  }
  throwIfAborted(signal, `refresh seed ${seedId}`);
  const bytes = await takeCredential(context, state);
  const stop = signal === undefined ? lease.signal : AbortSignal.any([lease.signal, signal]);
  const answer = stop.aborted ? stopped() : await asked(refresh, bytes, stop);
  const verification = await settle(context, state, answer);
  if (readQuota === undefined || !KNOWN_ALIVE.has(verification.outcome) || stop.aborted) return verification;
  const current = answer.outcome === 'refreshed' ? answer.bytes : bytes;
  const quota = await updateQuota(context, seedId, { bytes: current, readQuota, signal: stop });
  return quota === undefined ? verification : { ...verification, quota };
}

async function settle(
  context: SeedContext,
  state: LeaseState,
  answer: RefreshOutcome,
): Promise<Verification> {
  const { seedId, holder } = state;
  switch (answer.outcome) {
    case 'refreshed': {
      const saved = await state.serially(() => savedAtLast(context, state, answer.bytes));
      if (saved.outcome === 'journaled') return { seedId, outcome: 'journaled' };
      if (saved.outcome === 'saved' || saved.outcome === 'unchanged') return { seedId, outcome: 'refreshed' };
      return { seedId, outcome: 'unknown', reason: `what the provider gave was ${saved.outcome}` };
    }
    case 'alive':
      await judgeStatus(context, state, { status: 'alive' });
      return { seedId, outcome: 'alive' };
    case 'invalid':
      await judgeStatus(context, state, { status: 'retired', reason: answer.reason });
      return { seedId, outcome: 'retired', reason: answer.reason };
    case 'unknown':
      context.report({ type: 'refresh-inconclusive', seedId, holder, reason: answer.reason });
      return { seedId, outcome: 'unknown', reason: answer.reason };
  }
}

async function asked(
  refresh: RefreshCredential,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<RefreshOutcome> {
  try {
    return await refresh(bytes, { signal });
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return { outcome: 'unknown', reason };
  }
}

function stopped(): RefreshOutcome {
  return { outcome: 'unknown', reason: 'it was stopped before the provider was asked' };
}

/** The new token is in this program's memory alone: it is not given up at the first failure. */
async function savedAtLast(
  context: SeedContext,
  state: LeaseState,
  bytes: Uint8Array,
): ReturnType<typeof saveUnderLease> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await saveUnderLease(context, state, { bytes, how: 'refreshed' });
    } catch (failure) {
      if (!(failure instanceof SeedError && failure.code === 'not-saved') || tries === SAVE_TRIES)
        throw failure;
      await context.clock.sleep(250 * 2 ** tries);
    }
  }
}

/** Changes the status if the credential is still the one that was judged. */
async function judgeStatus(
  context: SeedContext,
  { seedId, holder, basis }: LeaseState,
  { status, reason }: { readonly status: 'alive' | 'retired'; readonly reason?: string },
): Promise<void> {
  const changed = await changeSeed(context, seedId, ({ facts }) => {
    if (facts.status === status || facts.credential?.generation !== basis) return { result: false };
    const plain: SeedFacts = { ...without(facts, 'statusReason'), status };
    const judged = reason === undefined ? plain : { ...plain, statusReason: reason };
    return { change: { facts: judged }, result: true };
  });
  if (!changed) return;
  const type = status === 'retired' ? 'retired' : 'revived';
  context.report({ type, seedId, holder, reason: reason ?? 'the provider takes it' });
}
