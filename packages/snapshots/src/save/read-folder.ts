import type { Host, HostPath } from '@seedbed/host';
import type { ChunkedContent } from '../content/chunk-content.ts';
import type { FileEntry, LeftOut, SnapshotEntry } from '../manifest/manifest.ts';
import type { KnownContent } from './known-content.ts';
import { isUntouched, type ListedEntry, type Listing, type ListingOptions, listFolder } from './listing.ts';
import { type ContentSink, readContents } from './read-contents.ts';

/** How often a file is read that was written to meanwhile. */
const ROUNDS = 3;
const PERMISSION_BITS = 0o777;

export interface ReadFolder {
  readonly entries: readonly SnapshotEntry[];
  readonly leftOut: readonly LeftOut[];
  readonly newestChangeMs: number;
  readonly bytes: number;
}

export interface ReadFolderOptions extends ListingOptions {
  /** What there is. */
  readonly listing: Listing;
  readonly known: KnownContent;
  readonly sink: ContentSink;
  /** What there is, and what of it has to be read. */
  readonly onListed: (listing: { files: number; bytes: number; toRead: number; bytesToRead: number }) => void;
}

/**
 * A folder as entries, with the contents of its files kept in the sink. A file is read, then looked at again: if it has changed meanwhile it is read once
 * more, and marked when it does not come to rest, so that no content is of two moments unnoticed.
 */
export async function readFolder(
  host: Host,
  folder: HostPath,
  options: ReadFolderOptions,
): Promise<ReadFolder> {
  const { listing } = options;
  const names = namesOfFiles(listing.entries);
  const files = [...names.values()].flatMap(([first]) => (first === undefined ? [] : [first]));
  const same = new Map<string, FileEntry>();
  const changed: ListedEntry[] = [];
  for (const each of files) {
    const entry = options.known.unchanged(each);
    if (entry === undefined) changed.push(each);
    else same.set(each.path, entry);
  }
  options.onListed({
    files: files.length,
    bytes: listing.bytes,
    toRead: changed.length,
    bytesToRead: changed.reduce((sum, { stat }) => sum + stat.size, 0),
  });
  const read = await readUntilStable(host, folder, { ...options, changed, names });
  const { entries, without } = assembled(
    listing.entries,
    ({ path }) => read.entries.get(path) ?? same.get(path),
  );
  const lost = without.map((path): LeftOut => ({ path, reason: read.lost.get(path) ?? 'gone' }));
  return {
    entries,
    leftOut: [...listing.leftOut, ...lost],
    newestChangeMs: listing.newestChangeMs,
    bytes: listing.bytes,
  };
}

/** By identity: a file is read under the first of its names. */
function namesOfFiles(entries: readonly ListedEntry[]): ReadonlyMap<string, readonly ListedEntry[]> {
  const names = new Map<string, ListedEntry[]>();
  for (const each of entries) {
    if (each.stat.kind !== 'file') continue;
    const others = names.get(each.stat.identity);
    if (others === undefined) names.set(each.stat.identity, [each]);
    else others.push(each);
  }
  return names;
}

interface StableReading {
  readonly entries: ReadonlyMap<string, FileEntry>;
  readonly lost: ReadonlyMap<string, 'gone' | 'unreadable'>;
}

interface UnstableReading extends ReadFolderOptions {
  readonly changed: readonly ListedEntry[];
  readonly names: ReadonlyMap<string, readonly ListedEntry[]>;
}

async function readUntilStable(
  host: Host,
  folder: HostPath,
  { changed, names, ...options }: UnstableReading,
): Promise<StableReading> {
  const entries = new Map<string, FileEntry>();
  const lost = new Map<string, 'gone' | 'unreadable'>();
  const before = new Map(
    changed.length === 0 ? [] : options.listing.entries.map((each) => [each.path, each]),
  );
  const looking = { ...options, before, maxBytes: Number.POSITIVE_INFINITY };
  let wanted = changed;
  for (let round = 1; wanted.length > 0; round += 1) {
    const { contents, lost: missing } = await readContents(host, folder, wanted, options);
    for (const [path, reason] of missing) lost.set(path, reason);
    const { entries: found } = await listFolder(host, folder, looking);
    const after = new Map(found.map((each) => [each.path, each]));
    const restless: ListedEntry[] = [];
    for (const before of wanted) {
      const content = contents.get(before.path);
      const now = after.get(before.path);
      // The file may go on under another of its names.
      if (now?.stat.identity !== before.stat.identity)
        restless.push(...nextName(before, { names, after, isLast: round === ROUNDS }));
      if (content === undefined) continue;
      const isStable = now !== undefined && isUntouched(before, now) && content.size === before.stat.size;
      if (isStable || round === ROUNDS || now?.stat.kind !== 'file')
        entries.set(before.path, fileEntry(before, content, isStable));
      else restless.push(now);
    }
    wanted = restless;
  }
  return { entries, lost };
}

function nextName(
  { path, stat }: ListedEntry,
  {
    names,
    after,
    isLast,
  }: {
    readonly names: UnstableReading['names'];
    readonly after: ReadonlyMap<string, ListedEntry>;
    readonly isLast: boolean;
  },
): readonly ListedEntry[] {
  const all = names.get(stat.identity) ?? [];
  const others = isLast ? [] : all.slice(all.findIndex((each) => each.path === path) + 1);
  const next = others.find((each) => after.get(each.path)?.stat.identity === stat.identity);
  return next === undefined ? [] : [after.get(next.path) ?? next];
}

function fileEntry({ path, stat }: ListedEntry, content: ChunkedContent, isStable: boolean): FileEntry {
  return {
    kind: 'file',
    path,
    mode: stat.mode & PERMISSION_BITS,
    modifiedMs: stat.modifiedMs,
    ...content,
    identity: stat.identity,
    changedMs: stat.changedMs,
    ...(isStable ? {} : { unstable: true }),
  };
}

/** What was listed as entries, and the files of which no content is there. */
function assembled(
  listed: readonly ListedEntry[],
  entryOf: (listed: ListedEntry) => FileEntry | undefined,
): { readonly entries: readonly SnapshotEntry[]; readonly without: readonly string[] } {
  const entries: SnapshotEntry[] = [];
  const without: string[] = [];
  const names = new Map<string, string>();
  for (const each of listed) {
    const { path, stat, target = '' } = each;
    const { mode, modifiedMs } = { mode: stat.mode & PERMISSION_BITS, modifiedMs: stat.modifiedMs };
    if (stat.kind === 'directory') entries.push({ kind: 'directory', path, mode, modifiedMs });
    else if (stat.kind === 'symlink') entries.push({ kind: 'symlink', path, modifiedMs, target });
    else {
      const first = names.get(stat.identity);
      const entry = first === undefined ? entryOf(each) : undefined;
      if (first !== undefined) entries.push({ kind: 'hard-link', path, target: first });
      else if (entry === undefined) without.push(path);
      else {
        // Another file may have taken this place since it was listed: then the other names are not its names.
        names.set(entry.identity, path);
        entries.push({ ...entry, mode, modifiedMs: entry.modifiedMs });
      }
    }
  }
  return { entries, without };
}
