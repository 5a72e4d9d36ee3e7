import { readDetails, type SeedDetails } from './details.ts';
import type { SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { AsideFacts, LineageEntry, SeedFacts, SeedId, SeedStatus } from './seed-facts.ts';
import type { UnreadableSeed } from './seed-store.ts';

/** A credential that is kept aside, without itself. */
export type AsideOverview = Omit<AsideFacts, 'sealed'>;

/** What may be shown of a seed: never a secret. Times are milliseconds since the epoch, by the store's clock. */
export interface SeedOverview extends SeedDetails {
  readonly id: SeedId;
  readonly pool?: string;
  readonly label?: string;
  /** `unreadable`: a damaged record, or one of a later version of this package. `statusReason` says what is wrong; nothing else is known, and times are 0. */
  readonly status: SeedStatus | 'unreadable';
  readonly statusReason?: string;
  readonly createdMs: number;
  readonly updatedMs: number;
  readonly lastLeasedMs?: number;
  /** Who has it, and until when unless that is renewed. */
  readonly lease?: { readonly holder: string; readonly expiresMs: number };
  /** Fingerprint of the current token; absent before the first use of what another program captured. */
  readonly generation?: string;
  readonly rotates?: boolean;
  readonly refreshedMs?: number;
  readonly expiresMs?: number;
  /** Where its last holder left it, if that ended without a word. */
  readonly leftAt?: { readonly place?: string; readonly path?: string; readonly holder: string };
  readonly lineage: readonly LineageEntry[];
  readonly aside: readonly AsideOverview[];
  /** Why account and quota cannot be shown: they are sealed under a key that is not there, or were changed. */
  readonly unopenedReason?: string;
}

export function overviewOf(context: SeedContext, facts: SeedFacts, nowMs: number): SeedOverview {
  const { credential, outstanding, lease, aside, details: _, load: __, fence: ___, ...shown } = facts;
  const isLive = lease !== undefined && lease.expiresMs > nowMs;
  return {
    ...shown,
    ...shownDetails(context, facts),
    ...(credential ?? {}),
    ...(isLive ? { lease: { holder: lease.holder, expiresMs: lease.expiresMs } } : {}),
    ...(outstanding === undefined || isLive ? {} : { leftAt: leftAt(outstanding) }),
    aside: aside.map(({ sealed: _sealed, ...rest }) => rest),
  };
}

export function unreadableOverview({ id, reason }: UnreadableSeed): SeedOverview {
  const status = 'unreadable';
  return { id, status, statusReason: reason, createdMs: 0, updatedMs: 0, lineage: [], aside: [] };
}

/** One seed that cannot be opened hides no other. */
function shownDetails(
  context: SeedContext,
  facts: SeedFacts,
): SeedDetails & Pick<SeedOverview, 'unopenedReason'> {
  try {
    return readDetails(context, facts);
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'unsealing-failed')
      return { unopenedReason: failure.message };
    throw failure;
  }
}

function leftAt({
  place,
  path,
  holder,
}: NonNullable<SeedFacts['outstanding']>): NonNullable<SeedOverview['leftAt']> {
  return { holder, ...(place === undefined ? {} : { place }), ...(path === undefined ? {} : { path }) };
}
