import type { LeftOut, RestoreProgress, SavedSnapshot, SaveProgress, Snapshots } from '@seedbed/snapshots';

/** How a session keeps its task, and what it begins with. */
export interface SessionSnapshots {
  readonly store: Snapshots;
  /**
   * `if-saved` (the default): the task goes on from its last snapshot, if it has one. `required`: it is an error when it has none. `never`: it begins anew, and
   * its snapshots follow the ones that are there.
   */
  readonly resume?: 'if-saved' | 'required' | 'never';
  /** A snapshot after each turn, in the background. `true` by default. */
  readonly afterTurns?: boolean;
  /** How long the conversation is to be quiet before it, in milliseconds. 500 by default. */
  readonly quietMs?: number;
  /** How long a snapshot may take, that at the end included, in milliseconds; then it is given up, and said. 30 minutes by default. */
  readonly lastSaveMs?: number;
  /** Globs of what is left out. {@link CODEX_SNAPSHOT_EXCLUDE} by default; logins are left out in any case, Codex's sessions never. */
  readonly exclude?: readonly string[];
  /** How many snapshots are kept. 5 by default. */
  readonly keep?: number;
  /** Of all files together. The agent is told of it; when there is more, what it names in `regenerable.txt` of its workdir is left out. No bound by default. */
  readonly maxBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly onSaved?: (saved: SavedSnapshot) => void;
  /** A snapshot after a turn could not be made; the next one is tried all the same. */
  readonly onSaveFailed?: (failure: unknown) => void;
  readonly onSaveProgress?: (progress: SaveProgress) => void;
  readonly onRestoreProgress?: (progress: RestoreProgress) => void;
}

/** What a session goes on from. */
export interface ResumeReport {
  /** The number of the snapshot; 0 where there is none, and the task goes on with what its host has kept. */
  readonly number: number;
  /** When it was made, or when the task was cut off, in milliseconds since the epoch. */
  readonly createdMs: number;
  /** `restored`: put on the host from the store. `kept`: the host still had the workdir of that snapshot, with what was done since. */
  readonly workdir: 'restored' | 'kept';
  /** `resumed`: the same thread. `none`: there was none yet. `lost`: Codex could not find it, and the conversation begins anew. */
  readonly thread: 'resumed' | 'none' | 'lost';
  /** What the caller set otherwise than it was: this session has the caller's. */
  readonly differences: readonly ResumeDifference[];
  /** What the snapshot does not hold. */
  readonly leftOut: readonly LeftOut[];
  /** AGENTS.md says something else than it did, or than what had taken its place. */
  readonly briefChanged: boolean;
}

export interface ResumeDifference {
  readonly setting: 'codexVersion' | 'model' | 'effort' | 'sandbox';
  readonly saved: string;
  readonly now: string;
}
