import type { BlobStore } from '@seedbed/blob-store';
import { type FileStat, type Host, HostError, type HostPath, unpackDirectory } from '@seedbed/host';
import { checkEntries } from '../manifest/check-entries.ts';
import type { Manifest, SnapshotEntry } from '../manifest/manifest.ts';
import { createListedEntries, type ListedEntry } from '../save/listed-entries.ts';
import { type Listing, listFolder } from '../save/listing.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { archiveOfSnapshot } from './archive-of-snapshot.ts';
import { differencesFrom } from './compare-listing.ts';
import { refuseForeignPlace } from './foreign-place.ts';
import { refuseMounts, refuseOtherDevices } from './refuse-mounts.ts';
import { reusableFiles } from './reusable-files.ts';
import { exchange, noteReady, type ReadyNote } from './settle-restore.ts';
import { type StagingPlace, stagingPlace } from './staging-place.ts';

/** How far a restore is. Nothing in the folder changes before `exchanging`. */
export interface RestoreProgress {
  readonly phase: 'comparing' | 'fetching' | 'checking' | 'exchanging' | 'restored';
  /** Bytes of files that came from the store. */
  readonly fetchedBytes: number;
  /** Bytes of files that were there already. */
  readonly reusedBytes: number;
  readonly totalBytes: number;
}

export interface RestoreOptions {
  readonly blobs: BlobStore;
  /** Names the snapshot in messages. */
  readonly what: string;
  /** Of a folder that is not there yet. */
  readonly rootMode: number;
  /** Whether what the snapshot leaves out stays in the folder. */
  readonly keepExcluded: boolean;
  readonly onProgress?: (progress: RestoreProgress) => void;
  readonly signal?: AbortSignal;
}

export interface Restored {
  readonly entries: number;
  readonly fetchedBytes: number;
  readonly reusedBytes: number;
  /** Paths that the snapshot leaves out and that stayed in the folder. */
  readonly kept: readonly string[];
  /** The folder as it was found at the end: it is what the snapshot says. */
  readonly listing: Listing;
}

/**
 * Makes a folder what a snapshot says. It is put together beside the folder and checked, every byte of it, then takes the folder's place: whoever is killed on
 * the way leaves the folder as it was, or what `settleRestore` finishes.
 *
 * @throws {SnapshotError} `damaged`, `refused-entry`, `restore-failed`, `store-failed`, `aborted`: the folder is as it was.
 * @throws {HostError} `no-space` and others: the same.
 */
export async function restoreFolder(
  host: Host,
  folder: HostPath,
  { manifest, ...options }: RestoreOptions & { readonly manifest: Manifest },
): Promise<Restored> {
  checkEntries(manifest);
  const { signal, onProgress } = options;
  let totalBytes = 0;
  for (const each of manifest.entries) if (each.kind === 'file') totalBytes += each.size;
  let progress: RestoreProgress = { phase: 'comparing', fetchedBytes: 0, reusedBytes: 0, totalBytes };
  const say = (change: Partial<RestoreProgress>): void => {
    progress = { ...progress, ...change };
    onProgress?.(progress);
  };
  say({});
  const before = await lookAt(host, folder, { manifest, ...(signal && { signal }) });
  if (before !== undefined) await refuseOtherDevices(host, folder, before);
  const listed = before?.listing.entries ?? createListedEntries();
  const { entries } = manifest;
  const reused = await reusableFiles(host, folder, { entries, listed, ...(signal && { signal }) });
  const reusedBytes = [...reused.values()].reduce((sum, { stat }) => sum + stat.size, 0);
  say({ phase: 'fetching', reusedBytes });

  const place = stagingPlace(folder);
  const rootMode = before?.stat.mode ?? options.rootMode;
  try {
    await host.makeDirectory(place.container, { mode: 0o700 });
    await refuseForeignPlace(host, place);
    const archive = archiveOfSnapshot(options.blobs, manifest, {
      without: new Set(reused.keys()),
      rootMode: rootMode & 0o777,
      what: options.what,
      onBytes: (bytes) => say({ fetchedBytes: progress.fetchedBytes + bytes }),
      ...(signal && { signal }),
    });
    await stage(host, place, {
      archive,
      folder,
      reused,
      count: entries.length,
      bytes: totalBytes,
      ...(signal && { signal }),
    });
    say({ phase: 'checking' });
    await checkStaged(host, place, { manifest, reused, what: options.what, ...(signal && { signal }) });
    signal?.throwIfAborted();
  } catch (failure) {
    await host.remove(place.container, { recursive: true }).catch(() => undefined);
    throw asRestoreFailure(failure, options);
  }
  say({ phase: 'exchanging' });
  const note = readyNote(manifest, { before, keepExcluded: options.keepExcluded, what: options.what });
  await noteReady(host, place, note);
  const kept = await exchange(host, folder, { place, note });
  const listing = await checkedEnd(host, folder, { manifest, what: options.what });
  say({ phase: 'restored' });
  return {
    entries: entries.length,
    fetchedBytes: progress.fetchedBytes,
    reusedBytes,
    kept,
    listing,
  };
}

interface FolderBefore {
  readonly stat: FileStat;
  readonly tellsMounts: boolean;
  readonly listing: Listing;
}

async function lookAt(
  host: Host,
  folder: HostPath,
  { manifest, signal }: { readonly manifest: Manifest; readonly signal?: AbortSignal },
): Promise<FolderBefore | undefined> {
  const stat = await host.stat(folder);
  if (stat === undefined) return undefined;
  if (stat.kind !== 'directory')
    throw new HostError('not-a-directory', `Nothing was restored to ${folder}: ${whatIsThere(stat)}.`);
  const tellsMounts = await refuseMounts(host, folder);
  return { stat, tellsMounts, listing: await list(host, folder, { manifest, ...(signal && { signal }) }) };
}

function whatIsThere({ kind }: FileStat): string {
  return kind === 'symlink'
    ? 'a link is there. Restore to the folder that it leads to'
    : `a ${kind} is there`;
}

async function list(
  host: Host,
  folder: HostPath,
  { manifest, signal }: { readonly manifest: Manifest; readonly signal?: AbortSignal },
): Promise<Listing> {
  return await listFolder(host, folder, {
    exclude: manifest.exclude,
    regenerable: async () => [],
    required: [],
    maxEntries: Number.MAX_SAFE_INTEGER,
    maxBytes: Number.POSITIVE_INFINITY,
    ...(signal && { signal }),
  });
}

interface Staging {
  readonly archive: ReadableStream<Uint8Array>;
  readonly folder: HostPath;
  readonly reused: ReadonlyMap<string, ListedEntry>;
  readonly count: number;
  readonly bytes: number;
  readonly signal?: AbortSignal;
}

async function stage(
  host: Host,
  { tree }: StagingPlace,
  { archive, folder, reused, count, bytes, signal }: Staging,
): Promise<void> {
  await unpackDirectory(host, tree, archive, {
    outsideLinks: 'keep',
    maxEntries: count + 1,
    maxBytes: bytes,
    ...(reused.size > 0 && { reuse: { from: folder, files: reused.keys() } }),
    ...(signal && { signal }),
  });
}

/** That a reused file is the one that was hashed is known from its identity; a copy has another, and is hashed again. */
async function checkStaged(
  host: Host,
  { tree }: StagingPlace,
  {
    manifest,
    reused,
    what,
    signal,
  }: {
    readonly manifest: Manifest;
    readonly reused: ReadonlyMap<string, ListedEntry>;
    readonly what: string;
    readonly signal?: AbortSignal;
  },
): Promise<void> {
  const { entries } = await list(host, tree, {
    manifest: { ...manifest, exclude: [] },
    ...(signal && { signal }),
  });
  const difference = differencesFrom(manifest.entries, entries);
  if (difference !== undefined) throw failed(what, difference);
  const copies = createListedEntries();
  for (const entry of entries) {
    const hashed = reused.get(entry.path);
    if (hashed !== undefined && hashed.stat.identity !== entry.stat.identity) copies.add(entry);
  }
  const originals = Iterator.from(manifest.entries)
    .filter(({ path }) => copies.find(path) !== undefined)
    .toArray();
  const same = await reusableFiles(host, tree, {
    entries: originals,
    listed: copies,
    ...(signal && { signal }),
  });
  const other = originals.find(({ path }) => !same.has(path));
  if (other !== undefined) throw failed(what, `${JSON.stringify(other.path)} changed while it was restored`);
}

function readyNote(
  { entries }: Manifest,
  {
    before,
    keepExcluded,
    what,
  }: { readonly before: FolderBefore | undefined; readonly keepExcluded: boolean; readonly what: string },
): ReadyNote {
  if (before === undefined || !keepExcluded) return { snapshot: what, kept: [], times: [] };
  const folders = new Map<string, SnapshotEntry>();
  const taken = new Set<string>();
  for (const entry of entries) {
    taken.add(entry.path);
    if (entry.kind === 'directory') folders.set(entry.path, entry);
  }
  const kept = before.listing.leftOut
    .filter(({ reason, path }) => reason === 'excluded' && !taken.has(path))
    .map(({ path }) => path)
    .filter((path) => parentOf(path) === '' || folders.has(parentOf(path)));
  const parents = new Set(kept.map((path) => parentOf(path)));
  const times = [...parents].flatMap((path) => {
    const folder = folders.get(path);
    return folder?.kind === 'directory' ? [[path, folder.modifiedMs] as const] : [];
  });
  return { snapshot: what, kept, times };
}

async function checkedEnd(
  host: Host,
  folder: HostPath,
  { manifest, what }: { readonly manifest: Manifest; readonly what: string },
): Promise<Listing> {
  const listing = await list(host, folder, { manifest });
  const difference = differencesFrom(manifest.entries, listing.entries);
  if (difference === undefined) return listing;
  throw new SnapshotError(
    'restore-failed',
    `${folder} was restored from ${what}, and something changed it at once: ${difference}. End what runs there, and restore again.`,
  );
}

function failed(what: string, why: string): SnapshotError {
  return new SnapshotError(
    'restore-failed',
    `What was put on the host is not what ${what} holds: ${why}. The folder is as it was.`,
  );
}

/** The source of an archive fails with an error of this package, which comes wrapped in the host's. */
function asRestoreFailure(failure: unknown, { what, signal }: RestoreOptions): unknown {
  if (signal?.aborted)
    return new SnapshotError('aborted', `Restoring ${what} was given up.`, { cause: signal.reason });
  const cause = failure instanceof HostError ? failure.cause : undefined;
  if (cause instanceof SnapshotError) return cause;
  if (failure instanceof HostError && failure.code === 'invalid-archive')
    return new SnapshotError('refused-entry', `${what} was not restored: ${failure.message}`, {
      cause: failure,
    });
  return failure;
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
