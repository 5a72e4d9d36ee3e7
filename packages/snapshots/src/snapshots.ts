import type { BlobStore, Keyring } from '@seedbed/blob-store';
import type { Host, HostPath } from '@seedbed/host';
import type { SnapshotDiff } from './care/diff.ts';
import type { PruneReport } from './care/prune.ts';
import type { ResealReport } from './care/reseal.ts';
import type { VerifyReport } from './care/verify.ts';
import { DEFAULT_EXCLUDE } from './default-exclude.ts';
import type { Json, LeftOut, RecordEntry, SnapshotEntry } from './manifest/manifest.ts';
import type { RestoreProgress } from './restore/restore-folder.ts';
import type { Settled } from './restore/settle-restore.ts';
import type { Follows } from './save/follows.ts';
import type { RecordBody } from './save/keep-records.ts';
import type { SaveProgress } from './save/save-progress.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { EndState, SnapshotRow } from './task-head.ts';

export interface SnapshotsOptions {
  readonly index: SnapshotIndex;
  /** Where the bytes lie. */
  readonly blobs: BlobStore;
  /** Everything but names, numbers and labels is sealed under it. `'plaintext'`: who reads the store reads the files. */
  readonly encryption: Keyring | 'plaintext';
  /** Milliseconds since the epoch. The program's clock by default. */
  readonly now?: () => number;
}

export interface SaveSnapshotOptions {
  /** 1 to 1,000 characters. */
  readonly task: string;
  /** `checkpoint` by default: the task runs on. */
  readonly endState?: EndState;
  /** Not sealed. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What a restore is to know: any JSON. Sealed. */
  readonly facts?: Json;
  /** Bytes beside the folder, by name. Sealed; what a longer one has in common with the last is not stored again. */
  readonly records?: Readonly<Record<string, RecordBody>>;
  /** Globs, as of `createExclude`; {@link DEFAULT_EXCLUDE} by default. What they leave out is said in the snapshot. */
  readonly exclude?: readonly string[];
  /**
   * Paths from the folder that must be in every snapshot, with all that lies in them. An exclude that would leave out one of them, or a folder that holds it, is `invalid-config`; what others
   * name within is saved all the same, and what a list of an agent's names.
   */
  readonly required?: readonly string[];
  /** A file in the folder, by the agent, with globs of what can be made again. Used only where the folder has more than `maxBytes`. */
  readonly regenerableFile?: string;
  /** 1,000,000 by default. */
  readonly maxEntries?: number;
  /** Of all files together. No bound by default. */
  readonly maxBytes?: number;
  /** How many snapshots of the task stay, this one counted. 5 by default. */
  readonly keep?: number;
  /** What the folder has come from: with it a save fails with `conflict` also when another writer has saved the task since, and not only while it runs. */
  readonly follows?: Follows;
  readonly onProgress?: (progress: SaveProgress) => void;
  readonly signal?: AbortSignal;
}

export interface SavedSnapshot {
  readonly snapshot: SnapshotRow;
  readonly leftOut: readonly LeftOut[];
  /** Files that were written to each time they were read. */
  readonly unstable: readonly string[];
  readonly progress: SaveProgress;
  /** Why what an older snapshot needed alone could not be removed now; the next save or `prune` does it. */
  readonly cleanup?: unknown;
}

export interface SnapshotRef {
  readonly task: string;
  /** The latest by default. */
  readonly number?: number;
}

/** A snapshot, opened: everything but the contents. */
export interface ShownSnapshot {
  readonly snapshot: SnapshotRow;
  readonly host: { readonly label: string; readonly os: string; readonly arch: string };
  readonly facts: Json;
  readonly exclude: readonly string[];
  readonly leftOut: readonly LeftOut[];
  readonly entries: readonly SnapshotEntry[];
  readonly records: readonly Pick<RecordEntry, 'name' | 'size'>[];
}

export interface RestoreSnapshotOptions extends SnapshotRef {
  /** Permission bits of a folder that is not there yet. 0o700 by default; one that is there keeps its own. */
  readonly mode?: number;
  /** What the snapshot leaves out (`node_modules`) stays in the folder where it can. `true` by default. */
  readonly keepExcluded?: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

export interface RestoredSnapshot extends ShownSnapshot {
  readonly fetchedBytes: number;
  readonly reusedBytes: number;
  /** Paths that the snapshot leaves out and that stayed. */
  readonly kept: readonly string[];
  /** What an earlier restore of the folder had left. */
  readonly settled: Settled;
}

interface Waiting {
  readonly signal?: AbortSignal;
}

/**
 * The folders of tasks, kept in a store and brought back on any host. Any number of programs may use one store; of two that save one task at once, one is told.
 * Every method rejects with a `SnapshotError`, or with the `HostError` of its host.
 */
export interface Snapshots {
  /**
   * Saves a folder. What did not change since the last snapshot of the task is neither read nor stored again. A crash leaves the last snapshot as it was.
   * @throws {SnapshotError} `conflict`, `limit-exceeded`, `invalid-config`, `store-failed`, `aborted`, and `damaged` where the last one cannot be read.
   */
  save(host: Host, folder: HostPath, options: SaveSnapshotOptions): Promise<SavedSnapshot>;
  /** The oldest first; nothing for a task that was never saved. */
  list(task: string, options?: Waiting): Promise<readonly SnapshotRow[]>;
  /** Every task that has a snapshot; one of which the index says nonsense is among them. */
  tasks(options?: Waiting): AsyncIterable<string>;
  /**
   * As the other methods that read a snapshot: beside one who seals it anew it begins again in the new blobs, and beside one who removes it, it fails with `not-found`. `damaged` is a snapshot
   * that is still there as it was read.
   */
  show(ref: SnapshotRef, options?: Waiting): Promise<ShownSnapshot>;
  diff(from: SnapshotRef, to: SnapshotRef, options?: Waiting): Promise<SnapshotDiff>;
  /** A record's bytes, each checked before it is given. */
  openRecord(ref: SnapshotRef, name: string, options?: Waiting): Promise<ReadableStream<Uint8Array>>;
  /** Makes any folder what a snapshot says: see `restoreFolder`. Whatever fails before the end leaves the folder as it was. Where it begins again, so does its progress. */
  restore(host: Host, folder: HostPath, options: RestoreSnapshotOptions): Promise<RestoredSnapshot>;
  /** Reads everything back. Damage is a value. */
  verify(ref: SnapshotRef, options?: Waiting): Promise<VerifyReport>;
  delete(task: string, number: number, options?: Waiting): Promise<PruneReport>;
  /** Keeps the latest `keep` (5 by default) and removes what nobody needs, what killed saves left more than `orphansAfterMs` (24 hours) ago included. */
  prune(task: string, options?: { keep?: number; orphansAfterMs?: number } & Waiting): Promise<PruneReport>;
  /**
   * Removes all of a task. An empty head of some hundred bytes stays, also of a task that was never saved: by it a save that is still under way somewhere, and
   * may be the first, learns that the task was removed. The next snapshot's number is one more than it would have been.
   * @throws {SnapshotError} `invalid-config` for what is no name of a task, `conflict` when others changed it each time, `store-failed`, `aborted`.
   */
  remove(task: string, options?: Waiting): Promise<void>;
  /** Seals everything of a task that is under an older key anew. @throws `invalid-config` for a store in plaintext. */
  reseal(task: string, options?: Waiting): Promise<ResealReport>;
}
