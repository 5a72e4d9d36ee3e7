import { type Host, HostError, type HostPath, walk } from '@seedbed/host';
import type { PathList } from '../compact/path-list.ts';
import type { LeftOut } from '../manifest/manifest.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { createAgentGlobs } from './agent-globs.ts';
import { createListedEntries, type ListedEntry } from './listed-entries.ts';

export interface Listing {
  /** Each folder before what is in it. */
  readonly entries: PathList<ListedEntry>;
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
  const gathered = gatherEntries();
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
    else gathered.add({ path, stat, ...(target === undefined ? {} : { target }) });
  }
  return { ...gathered.all(), leftOut };
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
  const gathered = gatherEntries();
  for (const entry of listing.entries) {
    const { path } = entry;
    const isBelow = left.has(parentOf(path));
    if (!isBelow && (!isNamed(path) || isRequired(path))) {
      gathered.add(entry);
      continue;
    }
    left.add(path);
    if (!isBelow) leftOut.push({ path, reason: 'regenerable' });
  }
  const kept: Listing = { ...gathered.all(), leftOut };
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

interface GatheredEntries {
  readonly add: (entry: ListedEntry) => void;
  readonly all: () => Omit<Listing, 'leftOut'>;
}

function gatherEntries(): GatheredEntries {
  const entries = createListedEntries();
  let bytes = 0;
  let newestChangeMs = 0;
  return {
    add(entry) {
      const { kind, size, changedMs } = entry.stat;
      if (kind === 'file') bytes += size;
      newestChangeMs = Math.max(newestChangeMs, changedMs);
      entries.add(entry);
    },
    all: () => ({ entries, bytes, newestChangeMs }),
  };
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}
