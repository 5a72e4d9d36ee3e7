import { requireReadable } from './parse-seed-facts.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';
import type { SeedChange, StoredSeed } from './seed-store.ts';

/** What is to become of a seed as it was found, and what to tell of it; without a `change` it stays as it is. */
export interface Decision<T> {
  readonly change?: SeedChange;
  readonly result: T;
}

const TRIES = 200;

/**
 * Reads a seed, decides, and stores the decision if the seed is still as it was read; else begins anew. So whatever is decided holds for the very state that it replaces.
 *
 * `decide` is asked any number of times. Should the store have answered too late, what it has stored is found by the next reading: decisions must know their own work again.
 *
 * @throws {SeedError} `not-found`, `invalid-config` for what could not be read again, `store-unavailable`, `store-failed`, and what `decide` throws.
 */
export async function changeSeed<T>(
  context: SeedContext,
  id: SeedId,
  decide: (stored: StoredSeed) => Promise<Decision<T>> | Decision<T>,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<T> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const stored = await context.store.get(id, signal === undefined ? {} : { signal });
    if (stored === undefined) throw notFound(context, id);
    const { change, result } = await decide(stored);
    if (change === undefined) return result;
    const facts = { ...change.facts, updatedMs: stored.nowMs };
    requireReadable(facts);
    if (await context.store.update(stored, { ...change, facts })) return result;
    // Somebody was quicker, who may be just as eager again.
    await context.clock.sleep(context.clock.random() * Math.min(2 ** tries, 50));
  }
  throw new SeedError(
    'store-unavailable',
    `Could not change seed ${id} in ${context.store.label}: others changed it ${TRIES} times meanwhile.`,
  );
}

export function notFound(context: SeedContext, id: SeedId): SeedError {
  return new SeedError('not-found', `There is no seed ${id} in ${context.store.label}.`);
}

/** The same facts without some of them. */
export function without<K extends keyof SeedFacts>(
  facts: SeedFacts,
  ...names: readonly K[]
): Omit<SeedFacts, K> {
  const left: Partial<Record<keyof SeedFacts, unknown>> = { ...facts };
  for (const name of names) delete left[name];
  return left as Omit<SeedFacts, K>;
}
