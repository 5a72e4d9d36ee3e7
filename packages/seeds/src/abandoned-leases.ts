import type { SeedLease } from './seed-lease.ts';

/** Leases that come when nobody waits for them any more. Disposal waits until all of them are free. */
export interface AbandonedLeases extends AsyncDisposable {
  /** Frees the lease, should there be one. */
  free(found: Promise<SeedLease>): void;
}

export function createAbandonedLeases(): AbandonedLeases {
  const freeing = new Set<Promise<void>>();
  return {
    free(found) {
      const freed = freedAtLast(found).finally(() => freeing.delete(freed));
      freeing.add(freed);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(freeing);
    },
  };
}

/** What goes wrong with that has been told as an event. */
async function freedAtLast(found: Promise<SeedLease>): Promise<void> {
  const lease = await found.catch(() => undefined);
  await Promise.resolve(lease?.[Symbol.asyncDispose]()).catch(() => undefined);
}
