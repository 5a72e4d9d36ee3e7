import type { HostFiles, HostPath } from '@seedbed/host';
import type { JournalEntry } from './journal/seed-journal.ts';
import type { HeldLease } from './lease-renewal.ts';
import type { SaveOutcome } from './save-back.ts';

/** Where a lease has put its credential. */
export interface PlantedPlace {
  readonly files: HostFiles;
  readonly home: HostPath;
  readonly path: HostPath;
  readonly place: string;
  /** A key is the same wherever it lies: nobody has to look for it. */
  readonly rotates: boolean;
}

/** What became of a credential; `journaled` says that the store does not answer, and that it is on this machine's disk until it does. */
export type WriteBackOutcome = SaveOutcome | { readonly outcome: 'journaled'; readonly generation: string };

export interface LookedAt {
  /** `undefined`: the file was not there. */
  readonly bytes: Uint8Array | undefined;
  readonly outcome: WriteBackOutcome | undefined;
}

/** What one lease knows of its credential. Changed only by what runs in `serially`. */
export interface LeaseState extends HeldLease {
  /** The generation that the session's credential came out of: what the next write-back replaces. Empty until the store was read under the lease. */
  basis: string;
  /** Every generation that this lease has had: none of them is news. */
  readonly seen: Set<string>;
  /** What was looked at last, and what became of it: the same bytes are no news. */
  looked: LookedAt | undefined;
  planted: PlantedPlace | undefined;
  /** What was in the file when the lease was to end. */
  last: string | undefined;
  /** On this machine's disk as long as the credential is in this program's memory alone. */
  intent: JournalEntry | undefined;
  /** Whether anything may be out there that neither the store nor the journal has. */
  unsaved: boolean;
  /** One after the other, whatever becomes of those before. */
  serially<T>(work: () => Promise<T>): Promise<T>;
}

export function createLeaseState(held: HeldLease): LeaseState {
  let last: Promise<unknown> = Promise.resolve();
  return {
    ...held,
    basis: '',
    seen: new Set(),
    looked: undefined,
    planted: undefined,
    last: undefined,
    intent: undefined,
    unsaved: false,
    serially(work) {
      const next = last.then(work, work);
      last = next.catch(() => undefined);
      return next;
    },
  };
}
