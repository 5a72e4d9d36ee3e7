import { openBase64, sealBase64 } from './sealing.ts';
import type { SeedContext } from './seed-context.ts';
import type { AsideFacts, LineageEntry, SeedFacts } from './seed-facts.ts';

const KEPT_GENERATIONS = 64;
const KEPT_ASIDE = 8;

/** What goes first when there are too many: the more likely it is spent. */
const WORTH: Readonly<Record<AsideFacts['reason'], number>> = {
  overwritten: 0,
  replaced: 0,
  doubtful: 1,
  conflict: 2,
};

export function withGeneration(
  lineage: readonly LineageEntry[],
  entry: LineageEntry,
): readonly LineageEntry[] {
  return [...lineage, entry].slice(-KEPT_GENERATIONS);
}

/** Whether this generation was the current one once, and is no more. */
export function isPast(facts: SeedFacts, generation: string): boolean {
  return (
    facts.credential?.generation !== generation &&
    facts.lineage.some((entry) => entry.generation === generation)
  );
}

/** How many of one holder's stay: what it forges, or what it goes on rotating, must not push out what others left. */
const KEPT_OF_HOLDER: Readonly<Record<AsideFacts['reason'], number>> = {
  conflict: 3,
  doubtful: 1,
  overwritten: KEPT_ASIDE,
  replaced: KEPT_ASIDE,
};

/** The facts with a credential kept aside. At most eight are: the least promising goes, the oldest of them first. */
export function withAside(
  context: SeedContext,
  facts: SeedFacts,
  found: Omit<AsideFacts, 'sealed'> & { readonly bytes: Uint8Array },
): SeedFacts {
  const { bytes, ...aside } = found;
  const sealed = sealBase64(context.factSealing, bytes, asideContext(facts.id, aside.generation));
  const others = facts.aside.filter(({ generation }) => generation !== aside.generation);
  const isAlike = ({ reason, holder }: AsideFacts): boolean =>
    reason === aside.reason && holder === aside.holder;
  const alike = others.filter(isAlike);
  const kept = others.filter(
    (other) => !isAlike(other) || alike.indexOf(other) > alike.length - KEPT_OF_HOLDER[aside.reason],
  );
  kept.push({ ...aside, sealed });
  while (kept.length > KEPT_ASIDE) {
    const least = Math.min(...kept.map(({ reason }) => WORTH[reason]));
    kept.splice(
      kept.findIndex(({ reason }) => WORTH[reason] === least),
      1,
    );
  }
  return { ...facts, aside: kept };
}

export function openAside(context: SeedContext, facts: SeedFacts, aside: AsideFacts): Uint8Array {
  return openBase64(context.factSealing, aside.sealed, asideContext(facts.id, aside.generation));
}

export function asideContext(id: string, generation: string): string {
  return `seed/${id}/aside/${generation}`;
}
