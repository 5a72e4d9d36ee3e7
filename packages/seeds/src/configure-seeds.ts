import type { CredentialKind } from './credential-kind.ts';
import type { SeedJournal } from './journal/seed-journal.ts';
import { reachThisMachine } from './reach-place.ts';
import { requireDuration } from './require-settings.ts';
import { openSealing, type SealingChoice, sealingOf } from './sealing.ts';
import { type SeedClock, systemClock } from './seed-clock.ts';
import type { ReachPlace, SeedContext } from './seed-context.ts';
import { SeedError } from './seed-error.ts';
import type { SeedEvent } from './seed-event.ts';
import { credentialFile, type SeedManifest } from './seed-manifest.ts';
import type { SeedStore } from './seed-store.ts';

const DEFAULT_LEASE_MS = 60_000;
/** Shorter, and a slow store would lose leases by its slowness alone. */
const MIN_LEASE_MS = 1_000;

export interface SeedsOptions {
  /** Stays the caller's: dispose of it after this. */
  readonly store: SeedStore;
  readonly kind: CredentialKind;
  readonly manifest: SeedManifest;
  /** The keyring that seals what is stored, or the word `plaintext`. */
  readonly sealing: SealingChoice;
  /** Where a token goes that the store cannot take; `none` if it may then be lost with the host's file. */
  readonly journal: SeedJournal | 'none';
  /** Finds the host on which a holder left a login when it died. This machine alone, unless given. */
  readonly reach?: ReachPlace;
  /** 60,000 unless given. A lease is renewed at a third of it. */
  readonly leaseMs?: number;
  /** What happens beside what was asked. What it throws is ignored. */
  readonly onEvent?: (event: SeedEvent) => void;
  /** For tests. */
  readonly clock?: SeedClock;
}

/** What the options come to. @throws {SeedError} `invalid-config`. */
export function contextOf(options: SeedsOptions): Omit<SeedContext, 'postpone' | 'catchUpWith'> {
  const { store, kind, manifest, sealing, journal, leaseMs = DEFAULT_LEASE_MS } = options;
  const factSealing = sealingOf(sealing);
  const isShared = store.contentReadBy !== 'nobody';
  if (store.contentReadBy === 'others' && sealing !== 'plaintext') {
    throw new SeedError(
      'invalid-config',
      `Seeds in ${store.label} are read by another program, which would take a sealed one for a dead login. Give that store a codec, keep sealed seeds in a collection of their own, or say 'plaintext'.`,
    );
  }
  requireDuration({ leaseMs }, { least: MIN_LEASE_MS });
  return {
    store,
    kind,
    manifest,
    credential: credentialFile(manifest),
    contentSealing: isShared ? openSealing : factSealing,
    factSealing,
    journal: journalOf(journal),
    clock: options.clock ?? systemClock,
    leaseMs,
    reach: options.reach ?? reachThisMachine,
    report: reportTo(options.onEvent),
  };
}

/** The word has to be said: a token that neither store nor journal has is lost with its file. */
function journalOf(journal: SeedsOptions['journal']): SeedJournal | undefined {
  if (journal === 'none') return undefined;
  if (typeof journal === 'object' && journal !== null && typeof journal.write === 'function') return journal;
  throw new SeedError('invalid-config', "journal must be a SeedJournal, or the word 'none'.");
}

/** What an observer throws is its own affair: no save fails for it. */
function reportTo(onEvent: SeedsOptions['onEvent']): SeedContext['report'] {
  return (event) => {
    try {
      onEvent?.(event);
    } catch {
      // Nobody to tell.
    }
  };
}
