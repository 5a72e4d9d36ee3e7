import type { HostFiles, HostPath } from '@seedbed/host';
import type { HeldLease } from './lease-renewal.ts';

/** Where a lease has put its credential. */
export interface PlantedPlace {
  readonly files: HostFiles;
  readonly home: HostPath;
  readonly path: HostPath;
  readonly place: string;
}

/** What one lease knows of its credential. Changed only by what runs in `serially`. */
export interface LeaseState extends HeldLease {
  /** The generation that the session's credential came out of: what the next write-back replaces. Empty until the store was read under the lease. */
  basis: string;
  /** Every generation that this lease has had: none of them is news. */
  readonly seen: Set<string>;
  /** The bytes that were last settled with the store or the journal. */
  settledBytes: Uint8Array | undefined;
  planted: PlantedPlace | undefined;
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
    settledBytes: undefined,
    planted: undefined,
    unsaved: false,
    serially(work) {
      const next = last.then(work, work);
      last = next.catch(() => undefined);
      return next;
    },
  };
}
