import { changeSeed } from './change-seed.ts';
import { type Quota, type UsageWindow, withDetails } from './details.ts';
import { isPointInTime } from './seed-clock.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';

const MOST_WINDOWS = 32;

/** What the provider said of what a login has left. `none`: there is no such thing, as with a key. `unknown`: anything but an answer; what was known stays. */
export type QuotaAnswer =
  | { readonly outcome: 'known'; readonly quota: Quota }
  | { readonly outcome: 'none' }
  | { readonly outcome: 'unknown'; readonly reason: string };

/**
 * Asks the provider what a login has left, with its credential as it is: nothing is spent, and nobody need hold the seed. What it throws counts as `unknown`. Given by the package of
 * the agent.
 */
export type ReadQuota = (
  bytes: Uint8Array,
  options: { readonly signal: AbortSignal },
) => Promise<QuotaAnswer>;

/** Asks, and keeps the answer with the seed. That there is none is an event, and no reason for anything else to fail. */
export async function updateQuota(
  context: SeedContext,
  seedId: SeedId,
  asking: {
    readonly bytes: Uint8Array;
    readonly readQuota: ReadQuota;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Quota | undefined> {
  const { bytes, readQuota, signal = new AbortController().signal } = asking;
  try {
    const answer = await readQuota(bytes, { signal });
    if (answer.outcome === 'known') {
      await recordQuota(context, seedId, answer.quota);
      return answer.quota;
    }
    if (answer.outcome === 'unknown')
      context.report({ type: 'quota-unknown', seedId, reason: answer.reason });
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    context.report({ type: 'quota-unknown', seedId, reason });
  }
  return undefined;
}

/**
 * Notes what a login has left: sealed as a whole, and in clear how full it is, which is what `acquire` goes by.
 *
 * @throws {SeedError} `invalid-config` for more than 32 windows, a use that is no number, or a time that is none; `not-found`, and what the store throws.
 */
export async function recordQuota(context: SeedContext, id: SeedId, quota: Quota): Promise<void> {
  const { takenMs } = quota;
  const windows = quota.windows.map(plainWindow);
  const isWhole = ({ usedPercent, resetsMs = 0 }: UsageWindow): boolean =>
    Number.isFinite(usedPercent) && isPointInTime(resetsMs);
  if (windows.length > MOST_WINDOWS || !windows.every(isWhole) || !isPointInTime(takenMs))
    throw new SeedError(
      'invalid-config',
      `The quota of seed ${id} has ${windows.length} windows, of which ${MOST_WINDOWS} are the most, or a use or a time that is none.`,
    );
  const load = loadOf(windows);
  await changeSeed(context, id, ({ facts }) => {
    const { load: _, ...rest } = withDetails(context, facts, { quota: { windows, takenMs } });
    const next: SeedFacts = load === undefined ? rest : { ...rest, load };
    return { change: { facts: next }, result: undefined };
  });
}

/** The window that counts: of those that are used up the one that takes the longest, else the fullest. */
function loadOf(windows: readonly UsageWindow[]): SeedFacts['load'] {
  const full = windows.filter(({ usedPercent }) => usedPercent >= 100);
  const rank =
    full.length > 0
      ? ({ resetsMs }: UsageWindow) => resetsMs ?? Number.POSITIVE_INFINITY
      : ({ usedPercent }: UsageWindow) => usedPercent;
  const [worst] = (full.length > 0 ? full : windows).toSorted((one, other) => rank(other) - rank(one));
  if (worst === undefined) return undefined;
  const { usedPercent, resetsMs } = worst;
  return resetsMs === undefined ? { usedPercent } : { usedPercent, resetsMs };
}

function plainWindow({ label, usedPercent, resetsMs }: UsageWindow): UsageWindow {
  return { label, usedPercent, ...(resetsMs === undefined ? {} : { resetsMs }) };
}
