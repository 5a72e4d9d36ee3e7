import type { HostFiles } from '@seedbed/host';
import type { CredentialKind } from './credential-kind.ts';
import type { JournalEntry, SeedJournal } from './journal/seed-journal.ts';
import type { Sealing } from './sealing.ts';
import type { SeedClock } from './seed-clock.ts';
import type { SeedEvent } from './seed-event.ts';
import type { SeedFile, SeedManifest } from './seed-manifest.ts';
import type { SeedStore } from './seed-store.ts';

/** Leads back to the host where a dead holder left a credential; `undefined` where this program cannot reach it. */
export type ReachPlace = (place: string) => Promise<HostFiles | undefined> | HostFiles | undefined;

/** What everything in this package works with. */
export interface SeedContext {
  readonly store: SeedStore;
  readonly kind: CredentialKind;
  readonly manifest: SeedManifest;
  readonly credential: SeedFile;
  /** Of the archive of a seed's files. */
  readonly contentSealing: Sealing;
  /** Of everything else that is nobody's business. */
  readonly factSealing: Sealing;
  readonly journal: SeedJournal | undefined;
  /** Takes over notes that the store could not be told yet. */
  readonly postpone: (entry: JournalEntry) => void;
  /** Tells the store what it could not be told of a holder's before: whether it knows all of it now. */
  readonly catchUpWith: (holder: string) => Promise<boolean>;
  readonly clock: SeedClock;
  readonly leaseMs: number;
  readonly reach: ReachPlace;
  readonly report: (event: SeedEvent) => void;
}
