import { z } from 'zod';
import type { AccountSummary } from './credential-kind.ts';
import { openText, sealText } from './sealing.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
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

const detailsSchema = z.object({
  account: z.exactOptional(
    z.object({
      name: z.exactOptional(z.string()),
      email: z.exactOptional(z.string()),
      plan: z.exactOptional(z.string()),
    }),
  ),
  quota: z.exactOptional(
    z.object({
      windows: z.array(
        z.object({ label: z.string(), usedPercent: z.number(), resetsMs: z.exactOptional(z.number()) }),
      ),
      takenMs: z.number(),
    }),
  ),
});

/** @throws {SeedError} `unsealing-failed`. */
export function readDetails(context: SeedContext, facts: SeedFacts): SeedDetails {
  if (facts.details === undefined) return {};
  const text = openText(context.factSealing, facts.details, detailsContext(facts));
  try {
    return detailsSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SeedError(
      'unsealing-failed',
      `What is stored of the account of seed ${facts.id} is none as it lies there: it is sealed, and no keyring was given, or it was changed.`,
      { cause },
    );
  }
}

/** @throws {SeedError} `unsealing-failed`: what cannot be opened is not replaced. */
export function withDetails(context: SeedContext, facts: SeedFacts, details: SeedDetails): SeedFacts {
  const known = { ...readDetails(context, facts), ...details };
  return { ...facts, details: sealText(context.factSealing, JSON.stringify(known), detailsContext(facts)) };
}

/** With what a credential says of its account. No token waits because something else of its seed cannot be opened: that stays as it is then. */
export function withAccount(
  context: SeedContext,
  facts: SeedFacts,
  summary: AccountSummary | undefined,
): SeedFacts {
  if (summary === undefined) return facts;
  try {
    return withDetails(context, facts, { account: plainSummary(summary) });
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'unsealing-failed') return facts;
    throw failure;
  }
}

/** Only what may be kept, whatever the summary's object holds besides. */
function plainSummary({ name, email, plan }: AccountSummary): AccountSummary {
  return {
    ...(name === undefined ? {} : { name }),
    ...(email === undefined ? {} : { email }),
    ...(plan === undefined ? {} : { plan }),
  };
}

export function detailsContext(facts: SeedFacts): string {
  return `seed/${facts.id}/details`;
}
