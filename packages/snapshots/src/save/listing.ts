import { type FileStat, type Host, HostError, type HostPath, walk } from '@seedbed/host';
import type { LeftOut } from '../manifest/manifest.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { createAgentGlobs } from './agent-globs.ts';

/** What lies in a folder, as it was listed. */
export interface ListedEntry {
  readonly path: string;
  readonly stat: FileStat;
  /** What a symbolic link says. */
  readonly target?: string;
}

export interface Listing {
  /** Each folder before what is in it. */
  readonly entries: readonly ListedEntry[];
  readonly leftOut: readonly LeftOut[];
  /** Of all files together. */
  readonly bytes: number;
  /** The latest change of any of them, on the host's clock. */
  readonly newestChangeMs: number;
}

export interface ListingOptions {
  readonly exclude: readonly string[];
  /** What the agent says can be made again; used only where the folder is larger than `maxBytes`. */
  readonly regenerable: () => Promise<readonly string[]>;
  /** Paths that nothing may leave out. */
  readonly required: readonly string[];
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** An earlier listing, by path: what is as it was is given as it was given then, so that two listings take the memory of one. */
  readonly before?: ReadonlyMap<string, ListedEntry>;
  readonly signal?: AbortSignal;
}

/** More than a path can have: the length of paths is the bound. */
const MAX_DEPTH = 4_096;

/**
 * One look at a folder. Devices, pipes, sockets and what may not be read are left out and said.
 * @throws {SnapshotError} `limit-exceeded`. @throws {HostError} what `walk` throws.
 */
export async function listFolder(host: Host, folder: HostPath, options: ListingOptions): Promise<Listing> {
  const listing = await orTooLarge(folder, () => listed(host, folder, options));
  if (listing.bytes <= options.maxBytes) return listing;
  return withoutRegenerable(listing, await options.regenerable(), options);
}

async function listed(host: Host, folder: HostPath, options: ListingOptions): Promise<Listing> {
  const leftOut: LeftOut[] = [];
  const entries: ListedEntry[] = [];
  const tree = walk(host, folder, {
    exclude: options.exclude,
    maxEntries: options.maxEntries,
    maxDepth: MAX_DEPTH,
    onExcluded: (path) => void leftOut.push({ path, reason: 'excluded' }),
    onUnreadable: (path) => void leftOut.push({ path, reason: 'unreadable' }),
    ...(options.signal && { signal: options.signal }),
  });
  for await (const { relativePath: path, stat, target } of tree) {
    if (stat.kind === 'other') leftOut.push({ path, reason: 'special' });
    else {
      const entry = { path, stat, ...(target === undefined ? {} : { target }) };
      const before = options.before?.get(path);
      entries.push(before !== undefined && isUntouched(before, entry) ? before : entry);
    }
  }
  return { entries, leftOut, ...sums(entries) };
}

/** Whether two looks at a path saw the same, as far as marks tell. */
export function isUntouched(a: ListedEntry, b: ListedEntry): boolean {
  return (
    a.stat.kind === b.stat.kind &&
    a.stat.size === b.stat.size &&
    a.stat.mode === b.stat.mode &&
    a.stat.modifiedMs === b.stat.modifiedMs &&
    a.stat.changedMs === b.stat.changedMs &&
    a.stat.identity === b.stat.identity &&
    a.target === b.target
  );
}

async function orTooLarge<T>(folder: HostPath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof HostError) || failure.code !== 'limit-exceeded') throw failure;
    throw new SnapshotError('limit-exceeded', `${folder} is larger than was allowed: ${failure.message}`, {
      cause: failure,
    });
  }
}

function withoutRegenerable(listing: Listing, globs: readonly string[], options: ListingOptions): Listing {
  const isNamed = createAgentGlobs(globs);
  const isRequired = createRequired(options.required);
  const left = new Set<string>();
  const leftOut = [...listing.leftOut];
  const entries = listing.entries.filter(({ path }) => {
    const isBelow = left.has(parentOf(path));
    if (!isBelow && (!isNamed(path) || isRequired(path))) return true;
    left.add(path);
    if (!isBelow) leftOut.push({ path, reason: 'regenerable' });
    return false;
  });
  const kept: Listing = { entries, leftOut, ...sums(entries) };
  if (kept.bytes <= options.maxBytes) return kept;
  const story = `it holds ${kept.bytes} bytes in files, and at the most ${options.maxBytes} are allowed`;
  const advice = 'Leave out what can be made again, or allow more.';
  throw new SnapshotError('limit-exceeded', `The folder was not saved: ${story}. ${advice}`);
}

/** Whether a path is one of the required ones, lies in one, or holds one. */
function createRequired(required: readonly string[]): (path: string) => boolean {
  return (path) =>
    required.some((each) => path === each || path.startsWith(`${each}/`) || each.startsWith(`${path}/`));
}

function sums(entries: readonly ListedEntry[]): Pick<Listing, 'bytes' | 'newestChangeMs'> {
  let bytes = 0;
  let newestChangeMs = 0;
  for (const { stat } of entries) {
    if (stat.kind === 'file') bytes += stat.size;
    newestChangeMs = Math.max(newestChangeMs, stat.changedMs);
  }
  return { bytes, newestChangeMs };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
