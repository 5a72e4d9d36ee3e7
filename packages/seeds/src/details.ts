import type { AccountSummary } from './credential-kind.ts';
import { openText, sealText } from './sealing.ts';
import type { SeedContext } from './seed-context.ts';
import type { SeedFacts } from './seed-facts.ts';

/** How much of one allowance is used. */
export interface UsageWindow {
  /** The provider's word for it: `5 h`, `weekly`. */
  readonly label: string;
  readonly usedPercent: number;
  /** When it is empty again, in milliseconds since the epoch. */
  readonly resetsMs?: number;
}

/** What a login has left. */
export interface Quota {
  readonly windows: readonly UsageWindow[];
  /** When the provider said so. */
  readonly takenMs: number;
}

/** What is kept of an account: this and nothing else. */
export interface SeedDetails {
  readonly account?: AccountSummary;
  readonly quota?: Quota;
}

export function readDetails(context: SeedContext, facts: SeedFacts): SeedDetails {
  if (facts.details === undefined) return {};
  return JSON.parse(openText(context.factSealing, facts.details, detailsContext(facts))) as SeedDetails;
}

export function withDetails(context: SeedContext, facts: SeedFacts, details: SeedDetails): SeedFacts {
  const known = { ...readDetails(context, facts), ...details };
  return { ...facts, details: sealText(context.factSealing, JSON.stringify(known), detailsContext(facts)) };
}

/** Only what may be kept, whatever the summary's object holds besides. */
export function plainSummary({ name, email, plan }: AccountSummary): AccountSummary {
  return {
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(plan === undefined ? {} : { plan }),
  };
}

function detailsContext(facts: SeedFacts): string {
  return `seed/${facts.id}/details`;
}
