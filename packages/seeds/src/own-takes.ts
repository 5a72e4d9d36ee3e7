import type { LeaseFacts, SeedId } from './seed-facts.ts';
import type { SeedReading } from './seed-store.ts';

/**
 * What came of an attempt to take a seed: the lease that it is under since; `lost` to whoever had changed it before; `failed`, so that it may be as it was.
 */
export type TakeOutcome = Pick<LeaseFacts, 'holder' | 'expiresMs'> | 'lost' | 'failed';

/**
 * What those who want a seed in one program know of each other: of every seed the state from which one of them tried to take it last. Who has read the same state need not ask the store,
 * which would refuse. Spares questions; the store decides all the same.
 */
export interface OwnTakes {
  /** What came of the attempt that somebody here began from this very state; `undefined` where nobody has. */
  tried(candidate: SeedReading): Promise<TakeOutcome> | undefined;
  /** Notes an attempt as it begins. */
  begin(candidate: SeedReading, outcome: Promise<TakeOutcome>): void;
  /** The lease that came of it has ended: who has read that state still has to ask. */
  forget(candidate: SeedReading): void;
}

interface Take {
  readonly state: string;
  readonly outcome: Promise<TakeOutcome>;
}

export function createOwnTakes(): OwnTakes {
  const latest = new Map<SeedId, Take>();
  return {
    tried(candidate) {
      const last = latest.get(candidate.facts.id);
      return last?.state === stateOf(candidate) ? last.outcome : undefined;
    },
    begin(candidate, outcome) {
      latest.set(candidate.facts.id, { state: stateOf(candidate), outcome });
    },
    forget: ({ facts }) => void latest.delete(facts.id),
  };
}

/**
 * A login that was deleted and captured again begins with the same versions; one that another program with the same pool has leased and released has the version that it had before.
 */
function stateOf({ facts: { createdMs, lastLeasedMs }, version }: SeedReading): string {
  return `${createdMs} ${lastLeasedMs} ${version}`;
}
