import { readDetails } from './details.ts';
import type { RefreshIdleOptions } from './idle-refresh.ts';
import { type ReadQuota, updateQuota } from './quota.ts';
import { requireDuration } from './require-settings.ts';
import { openStored } from './seed-content.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import { readSettled } from './settle-overwritten.ts';
import type { Verification, VerifyWork } from './verify-and-refresh.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** @throws {SeedError} `invalid-config`. */
export function requireAges({
  olderThanMs,
  quotaOlderThanMs,
}: Pick<RefreshIdleOptions, 'olderThanMs' | 'quotaOlderThanMs'>): void {
  requireDuration({ olderThanMs, quotaOlderThanMs }, { most: Number.MAX_SAFE_INTEGER });
}

/** Once over the seeds that nobody uses, one after the other: refreshes what is due, and asks for quotas that are old. */
export async function* refreshIdleOnce(
  context: SeedContext,
  verify: (id: SeedId, work: VerifyWork) => Promise<Verification>,
  options: RefreshIdleOptions,
): AsyncGenerator<Verification> {
  requireAges(options);
  const { refresh, readQuota, pool, signal } = options;
  const { olderThanMs = DAY_MS, quotaOlderThanMs = HOUR_MS } = options;
  const { seeds, nowMs } = await context.store.list({
    ...(pool === undefined ? {} : { pool }),
    ...(signal === undefined ? {} : { signal }),
  });
  for (const { facts } of seeds) {
    if (signal?.aborted) return;
    if (!isRotatingIdle(facts, nowMs)) continue;
    if (isOlder(facts.credential?.refreshedMs, nowMs - olderThanMs)) {
      yield await verify(facts.id, { refresh, readQuota, signal });
    } else if (readQuota !== undefined && isOlder(quotaTakenMs(context, facts), nowMs - quotaOlderThanMs)) {
      const read = await readIdleQuota(context, facts.id, { readQuota, signal });
      if (read !== undefined) yield read;
    }
  }
}

/** What does not rotate needs no care, what is retired gets none. */
function isRotatingIdle({ credential, lease, status }: SeedFacts, nowMs: number): boolean {
  if (status === 'retired' || credential?.rotates === false) return false;
  return lease === undefined || lease.expiresMs <= nowMs;
}

function isOlder(timeMs: number | undefined, thanMs: number): boolean {
  return (timeMs ?? 0) < thanMs;
}

function quotaTakenMs(context: SeedContext, facts: SeedFacts): number | undefined {
  try {
    return readDetails(context, facts).quota?.takenMs;
  } catch (failure) {
    // Who cannot open what is known of it has nothing to keep it with either.
    if (failure instanceof SeedError && failure.code === 'unsealing-failed') return Number.POSITIVE_INFINITY;
    throw failure;
  }
}

/** Spends nothing, and so needs no lease: should the token rotate meanwhile, the answer is that of the same login. */
async function readIdleQuota(
  context: SeedContext,
  seedId: SeedId,
  { readQuota, signal }: { readonly readQuota: ReadQuota; readonly signal: AbortSignal | undefined },
): Promise<Verification | undefined> {
  try {
    const { bytes } = await openStored(context, await readSettled(context, seedId, { signal }));
    const quota = await updateQuota(context, seedId, { bytes, readQuota, signal });
    return quota && { seedId, outcome: 'quota-read', quota };
  } catch (cause) {
    if (!(cause instanceof SeedError) || !ITS_OWN.has(cause.code)) throw cause;
    context.report({ type: 'quota-unknown', seedId, reason: cause.message });
    return undefined;
  }
}

/** What is wrong with one seed, and no reason to pass over the others. */
const ITS_OWN = new Set<SeedError['code']>(['not-found', 'unreadable', 'unsealing-failed', 'too-large']);
