import { SeedError } from './seed-error.ts';
import type { SeedFacts, SeedId } from './seed-facts.ts';

declare const brand: unique symbol;

/** Stands for the state in which a seed was read; only its store knows what it holds. */
export type SeedVersion = string & { readonly [brand]: 'SeedVersion' };

/** A seed as one reading found it, without its content. */
export interface SeedReading {
  readonly facts: SeedFacts;
  readonly version: SeedVersion;
  /** Another program has put content in the place of ours, or captured the seed: `StoredSeed.foreign` has it. */
  readonly overwritten: boolean;
}

export interface StoredSeed extends SeedReading {
  /** What this package last stored; empty if it never did. */
  readonly content: Uint8Array;
  /** What another program put there since. */
  readonly foreign?: Uint8Array;
  /** Why that is there and cannot be opened; `foreign` is absent then. Nothing may take its place: it may be the newest token. */
  readonly unopened?: SeedError;
  /** The store's clock, no later than when this was read. */
  readonly nowMs: number;
}

/** A record that is none of a seed: damaged, or written by a later version of this package. */
export interface UnreadableSeed {
  readonly id: SeedId;
  readonly reason: string;
}

export interface SeedListing {
  readonly seeds: readonly SeedReading[];
  /** They hide no other. */
  readonly unreadable: readonly UnreadableSeed[];
  /** The store's clock, no later than when they were read. */
  readonly nowMs: number;
}

export interface SeedChange {
  readonly facts: SeedFacts;
  /** Replaces the content, and settles what is `foreign`. Unchanged when absent. */
  readonly content?: Uint8Array;
}

/** A question can be given up. A change can't: who gave it up would not know whether it was made. */
export interface QuestionOptions {
  readonly signal?: AbortSignal;
}

/**
 * Where seeds are kept: records that change whole, and only from the state that the writer has seen. All that this package promises is built on
 * `update`; so a store needs no transactions, and nothing beyond one record.
 *
 * Every method rejects with a `SeedError`: `aborted` when its signal has fired, `store-unavailable` when it may go better later, else `store-failed`. None waits for ever for a
 * server that is silent. After `store-unavailable` a change may have been made, and may still be made at any later time, if the seed is then as it was read.
 */
export interface SeedStore extends AsyncDisposable {
  /** A name for people, without secrets: `sqlite /srv/seeds.db`. */
  readonly label: string;
  /**
   * Who else reads the content: `nobody`, `others` as it is, or `others-by-codec`, where the store itself turns it into what they expect.
   */
  readonly contentReadBy: 'nobody' | 'others' | 'others-by-codec';
  /** The id of a seed that is yet to be inserted, so that it can be bound into what is sealed: the same for the same login, as its fingerprint names it. Does no I/O. */
  createId(fingerprint: string): SeedId;
  /** The store's clock, in milliseconds since the epoch: one for all programs, whatever theirs say. */
  now(options?: QuestionOptions): Promise<number>;
  get(id: SeedId, options?: QuestionOptions): Promise<StoredSeed | undefined>;
  /** In no order. */
  list(filter?: QuestionOptions & { readonly pool?: string }): Promise<SeedListing>;
  /** Fails with `store-failed`, and changes nothing, where there is a seed of this id. */
  insert(facts: SeedFacts, content: Uint8Array): Promise<void>;
  /** Changes the seed if it is still as it was read, in one step. `false` when it is not: nothing has changed then. */
  update(read: SeedReading, change: SeedChange): Promise<boolean>;
  /** Removes the seed if it is still as it was read. */
  remove(read: SeedReading): Promise<boolean>;
  /** Removes a record that cannot be read, if it is still as it was looked at. `false` where there is none, or one that can be read. */
  removeUnreadable(id: SeedId): Promise<boolean>;
  /** Removes what interrupted writes left, if it is older than an hour. Gives how much it was. */
  sweep(): Promise<number>;
}

/** Whether a record is none that {@link readEach} would give. For stores. @throws {SeedError} any failure but `unreadable`. */
export function isUnreadable(read: () => SeedReading): boolean {
  try {
    read();
    return false;
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'unreadable') return true;
    throw failure;
  }
}

/** Reads what can be read of a listing's records. For stores. @throws {SeedError} any failure but `unreadable`. */
export function readEach<T>(
  records: readonly T[],
  { read, idOf }: { readonly read: (record: T) => SeedReading; readonly idOf: (record: T) => SeedId },
): Pick<SeedListing, 'seeds' | 'unreadable'> {
  const seeds: SeedReading[] = [];
  const unreadable: UnreadableSeed[] = [];
  for (const record of records) {
    try {
      seeds.push(read(record));
    } catch (failure) {
      if (!(failure instanceof SeedError && failure.code === 'unreadable')) throw failure;
      unreadable.push({ id: idOf(record), reason: failure.message });
    }
  }
  return { seeds, unreadable };
}
