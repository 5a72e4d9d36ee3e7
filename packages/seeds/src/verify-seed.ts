import type { AbandonedLeases } from './abandoned-leases.ts';
import { type AttemptOptions, tryAcquire } from './acquire-seed.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedUnavailableError, unlessAborted } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import { refreshUnderLease, type Verification, type VerifyWork } from './verify-and-refresh.ts';

/** Leases the seed like everybody else, and gives up at once when the signal fires before something may be spent. */
export async function verifySeed(
  context: SeedContext,
  seedId: SeedId,
  {
    onReleased,
    takes,
    abandoned,
    ...options
  }: VerifyWork & Pick<AttemptOptions, 'onReleased' | 'takes'> & { readonly abandoned: AbandonedLeases },
): Promise<Verification> {
  try {
    const { signal } = options;
    const more = { onReleased, takes, signal };
    const attempt = { holder: 'verification', forUpkeep: true, unsettled: new Map(), ...more };
    const started = await unlessAborted(() => tryAcquire(context, { seedId }, attempt), {
      signal,
      attempt: `verify seed ${seedId}`,
      late: (found) => abandoned.free(found.then(({ lease }) => lease)),
    });
    await using _lease = started.lease;
    return await refreshUnderLease(context, started, options);
  } catch (failure) {
    if (!(failure instanceof SeedUnavailableError)) throw failure;
    return { seedId, outcome: 'busy', reason: failure.message };
  }
}
