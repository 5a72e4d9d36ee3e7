import type { SeedId } from '../seed-facts.ts';

/** What has to be told to a store that may be away. */
export type JournalNote =
  | {
      /** These bytes are the credential that came out of `basis`. */
      readonly type: 'credential';
      readonly seedId: SeedId;
      readonly store: string;
      readonly basis: string;
      readonly holder: string;
      readonly fence: number;
      readonly how: 'rotated' | 'refreshed';
      readonly bytes: Uint8Array;
    }
  | {
      /** `basis` was about to be sent to the provider; without a `credential` note of the same fence nobody knows what became of it. */
      readonly type: 'refreshing';
      readonly seedId: SeedId;
      readonly store: string;
      readonly basis: string;
      readonly holder: string;
      readonly fence: number;
    }
  | {
      /** A lease has ended well: whatever its credential became is in the store, or in a note before this one. */
      readonly type: 'ended';
      readonly seedId: SeedId;
      readonly store: string;
      readonly holder: string;
      readonly fence: number;
      /** What was in the credential's file then, when nothing used it any more: nothing of this lease comes after it. Absent where there was no file. */
      readonly last?: string | undefined;
    };

/** A note that is on the disk. It is its taker's alone until it is released, or the taker's process ends. */
export interface JournalEntry {
  readonly note: JournalNote;
  /** What it says is in the store. */
  remove(): Promise<void>;
  /** It stays, for whoever takes it next. */
  release(): Promise<void>;
}

/**
 * Notes that outlive the program, on this machine. Rejects with `SeedError` `journal-failed`.
 */
export interface SeedJournal {
  /** When it resolves the note is on the disk, and is this program's until it is released. */
  write(note: JournalNote): Promise<JournalEntry>;
  /** Takes every note that no living program has, oldest first. */
  take(): Promise<readonly JournalEntry[]>;
}
