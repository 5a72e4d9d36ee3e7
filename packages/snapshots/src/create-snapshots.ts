import { type BlobStore, type Keyring, sealBlobs } from '@seedbed/blob-store';
import { type Host, HostError, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { diffManifests, type SnapshotDiff } from './care/diff.ts';
import { keepOnly, type PruneReport, sweepTask } from './care/prune.ts';
import { removeCondemned } from './care/remove-blobs.ts';
import { type ResealReport, resealTask } from './care/reseal.ts';
import { type VerifyReport, verifyContent } from './care/verify.ts';
import { readChunks } from './content/chunk-reader.ts';
import { DEFAULT_EXCLUDE } from './default-exclude.ts';
import type { Json, LeftOut, Manifest, RecordEntry, SnapshotEntry } from './manifest/manifest.ts';
import { createManifestMemory } from './manifest/manifest-memory.ts';
import { restamped } from './restore/restamped.ts';
import { type RestoreProgress, restoreFolder } from './restore/restore-folder.ts';
import { type Settled, settleRestore } from './restore/settle-restore.ts';
import { refuseLostPaths, withoutRequired } from './save/check-exclude.ts';
import { refuseCount, refuseSaveOptions } from './save/check-options.ts';
import { type Follows, refuseOvertaken } from './save/follows.ts';
import type { RecordBody } from './save/keep-records.ts';
import type { SaveProgress } from './save/save-progress.ts';
import { saveSnapshot } from './save/save-snapshot.ts';
import { refuseTaskName } from './save/task-name.ts';
import { SnapshotError } from './snapshot-error.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { EndState, SnapshotRow, TaskHead } from './task-head.ts';

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
  show(ref: SnapshotRef, options?: Waiting): Promise<ShownSnapshot>;
  diff(from: SnapshotRef, to: SnapshotRef, options?: Waiting): Promise<SnapshotDiff>;
  /** A record's bytes, each checked before it is given. */
  openRecord(ref: SnapshotRef, name: string, options?: Waiting): Promise<ReadableStream<Uint8Array>>;
  /** Makes any folder what a snapshot says: see `restoreFolder`. Whatever fails before the end leaves the folder as it was. */
  restore(host: Host, folder: HostPath, options: RestoreSnapshotOptions): Promise<RestoredSnapshot>;
  /** Reads everything back. Damage is a value. */
  verify(ref: SnapshotRef, options?: Waiting): Promise<VerifyReport>;
  delete(task: string, number: number, options?: Waiting): Promise<PruneReport>;
  /** Keeps the latest `keep` (5 by default) and removes what nobody needs, what killed saves left more than `orphansAfterMs` (24 hours) ago included. */
  prune(task: string, options?: { keep?: number; orphansAfterMs?: number } & Waiting): Promise<PruneReport>;
  /**
   * Removes all of a task. An empty head of some hundred bytes stays: by it a save that is still under way somewhere learns that its content is gone.
   */
  remove(task: string, options?: Waiting): Promise<void>;
  /** Seals everything of a task that is under an older key anew. @throws `invalid-config` for a store in plaintext. */
  reseal(task: string, options?: Waiting): Promise<ResealReport>;
}

const DEFAULT_KEEP = 5;
const DEFAULT_MAX_ENTRIES = 1_000_000;
const ORPHANS_AFTER_MS = 24 * 60 * 60 * 1000;
const MAX_REGENERABLE_BYTES = 64 * 1024;

/** Does no I/O. @throws {SnapshotError} `invalid-config` */
export function createSnapshots({
  index,
  blobs: raw,
  encryption,
  now = Date.now,
}: SnapshotsOptions): Snapshots {
  if (encryption !== 'plaintext' && typeof encryption?.frames !== 'function')
    throw new SnapshotError(
      'invalid-config',
      `encryption must be a keyring, or the word "plaintext"; it is ${typeof encryption}.`,
    );
  const blobs = sealBlobs(raw, encryption);
  const memory = createManifestMemory(blobs);
  const stores = { index, blobs };

  async function rowOf(ref: SnapshotRef, signal: AbortSignal | undefined): Promise<SnapshotRow> {
    const rows = (await index.read(ref.task, signal && { signal }))?.snapshots ?? [];
    const row = ref.number === undefined ? rows.at(-1) : rows.find(({ number }) => number === ref.number);
    if (row !== undefined) return row;
    const which = ref.number === undefined ? 'There is no snapshot' : `There is no snapshot ${ref.number}`;
    throw new SnapshotError('not-found', `${which} of ${JSON.stringify(ref.task)}.`);
  }

  async function opened(
    ref: SnapshotRef,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly row: SnapshotRow; readonly manifest: Manifest }> {
    const row = await rowOf(ref, signal);
    return { row, manifest: await memory.load(ref.task, { row, ...(signal && { signal }) }) };
  }

  /** What is missing may have been removed on purpose while it was read. */
  async function orGone<T>(ref: SnapshotRef, row: SnapshotRow, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (failure) {
      if (failure instanceof SnapshotError && failure.code === 'damaged')
        await rowOf({ task: ref.task, number: row.number }, undefined);
      throw failure;
    }
  }

  async function cleanup(
    head: TaskHead,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly cleanup?: unknown }> {
    if (head.condemned.length === 0) return {};
    try {
      await removeCondemned(index, blobs, { head, ...(signal && { signal }) });
      return {};
    } catch (failure) {
      return { cleanup: failure };
    }
  }

  return {
    async save(host, folder, options) {
      const { task, signal, exclude = DEFAULT_EXCLUDE, required = [], keep = DEFAULT_KEEP } = options;
      refuseTaskName(task);
      refuseSaveOptions(options);
      refuseLostPaths(exclude, required);
      await settleRestore(host, folder, signal && { signal });
      const begun = await index.read(task, signal && { signal });
      refuseOvertaken(task, begun, options.follows);
      const latest = begun?.snapshots.at(-1);
      const last = latest
        ? memory.load(task, { row: latest, ...(signal && { signal }) })
        : Promise.resolve(undefined);
      const { row, manifest, unstable, head, progress } = await saveSnapshot(host, folder, {
        ...{ blobs, index, begun, last, task, required, now },
        exclude: withoutRequired(exclude, required),
        keep,
        endState: options.endState ?? 'checkpoint',
        labels: options.labels ?? {},
        facts: options.facts ?? null,
        records: options.records ?? {},
        writer: options.follows?.writer,
        regenerable: () => regenerableGlobs(host, folder, options),
        maxEntries: options.maxEntries ?? DEFAULT_MAX_ENTRIES,
        maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
        ...(options.onProgress && { onProgress: options.onProgress }),
        ...(signal && { signal }),
      });
      memory.keep(row, manifest);
      return {
        snapshot: row,
        leftOut: manifest.leftOut,
        unstable,
        progress,
        ...(await cleanup(head, signal)),
      };
    },
    async list(task, { signal } = {}) {
      return (await index.read(task, signal && { signal }))?.snapshots ?? [];
    },
    async *tasks(options) {
      yield* index.tasks(options);
    },
    async show(ref, { signal } = {}) {
      const { row, manifest } = await opened(ref, signal);
      return shown(row, manifest);
    },
    async diff(from, to, { signal } = {}) {
      const [a, b] = await Promise.all([opened(from, signal), opened(to, signal)]);
      return diffManifests(a.manifest, b.manifest);
    },
    async openRecord(ref, name, { signal } = {}) {
      const { row, manifest } = await opened(ref, signal);
      const what = `snapshot ${row.number} of ${JSON.stringify(ref.task)}`;
      const record = manifest.records.find((each) => each.name === name);
      if (record === undefined)
        throw new SnapshotError('not-found', `There is no record ${name} in ${what}.`);
      const chunks = readChunks(blobs, record.chunks, {
        places: manifest.chunks,
        what,
        ...(signal && { signal }),
      });
      return ReadableStream.from(bytesOf(chunks));
    },
    async restore(host, folder, options) {
      const { signal, task } = options;
      const settled = await settleRestore(host, folder, signal && { signal });
      const { row, manifest } = await opened(options, signal);
      const restored = await orGone(options, row, () =>
        restoreFolder(host, folder, {
          ...{ manifest, blobs, what: `snapshot ${row.number} of ${JSON.stringify(task)}` },
          rootMode: options.mode ?? 0o700,
          keepExcluded: options.keepExcluded ?? true,
          ...(options.onProgress && { onProgress: options.onProgress }),
          ...(signal && { signal }),
        }),
      );
      memory.keep(row, restamped(manifest, restored.listing, { hostLabel: host.label, listedMs: now() }));
      const { fetchedBytes, reusedBytes, kept } = restored;
      return { ...shown(row, manifest), fetchedBytes, reusedBytes, kept, settled };
    },
    async verify(ref, { signal } = {}) {
      const row = await rowOf(ref, signal);
      const what = `snapshot ${row.number} of ${JSON.stringify(ref.task)}`;
      return await orGone(ref, row, async () => {
        const manifest = await memory.loadAnew(ref.task, { row, ...(signal && { signal }) });
        return await verifyContent(blobs, manifest, { what, ...(signal && { signal }) });
      });
    },
    delete: (task, number, { signal } = {}) =>
      keepOnly(stores, task, { isKept: (row) => row.number !== number, ...(signal && { signal }) }),
    async prune(task, { keep = DEFAULT_KEEP, orphansAfterMs = ORPHANS_AFTER_MS, signal } = {}) {
      refuseCount('keep', keep, 1);
      refuseCount('orphansAfterMs', orphansAfterMs, Number.MIN_SAFE_INTEGER);
      const first = (all: readonly SnapshotRow[]): number => Math.max(0, all.length - keep);
      const isKept = (_: SnapshotRow, position: number, all: readonly SnapshotRow[]): boolean =>
        position >= first(all);
      const pruned = await keepOnly(stores, task, { isKept, orEmpty: true, ...(signal && { signal }) });
      const swept = await sweepTask(stores, task, {
        olderThanMs: orphansAfterMs,
        now,
        ...(signal && { signal }),
      });
      return { ...pruned, blobs: pruned.blobs + swept };
    },
    async remove(task, { signal } = {}) {
      const waiting = signal && { signal };
      if ((await index.read(task, waiting)) === undefined) return;
      memory.forget(task);
      await keepOnly(stores, task, { isKept: () => false, ...waiting });
      await sweepTask(stores, task, { olderThanMs: 0, now: () => Number.MAX_SAFE_INTEGER, ...waiting });
    },
    async reseal(task, { signal } = {}) {
      if (encryption === 'plaintext')
        throw new SnapshotError('invalid-config', 'Nothing can be sealed anew: encryption is "plaintext".');
      const head = await index.read(task, signal && { signal });
      if (head === undefined)
        throw new SnapshotError('not-found', `There is no snapshot of ${JSON.stringify(task)}.`);
      memory.forget(task);
      return await resealTask({ ...stores, raw, keyring: encryption }, head, signal && { signal });
    },
  };
}

function shown(snapshot: SnapshotRow, manifest: Manifest): ShownSnapshot {
  const { host, facts, exclude, leftOut } = manifest;
  const entries = [...manifest.entries];
  const records = manifest.records.map(({ name, size }) => ({ name, size }));
  return { snapshot, host, facts, exclude, leftOut, entries, records };
}

async function* bytesOf(
  chunks: AsyncIterable<{ readonly bytes: Uint8Array }>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { bytes } of chunks) yield bytes;
}

/** By an agent: read as far as it is reasonable. */
async function regenerableGlobs(
  host: Host,
  folder: HostPath,
  { regenerableFile, signal }: SaveSnapshotOptions,
): Promise<readonly string[]> {
  if (regenerableFile === undefined) return [];
  try {
    const file = await host.canonicalize(joinHostPath(folder, regenerableFile), { within: folder });
    const text = await readText(host, file, { maxBytes: MAX_REGENERABLE_BYTES, ...(signal && { signal }) });
    return text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#'));
  } catch (failure) {
    if (failure instanceof HostError && failure.code !== 'host-lost' && failure.code !== 'aborted') return [];
    throw failure;
  }
}
