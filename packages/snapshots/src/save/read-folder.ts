import type { Host, HostPath } from '@seedbed/host';
import { createEntryList, createFileEntries } from '../compact/entry-list.ts';
import type { PathList } from '../compact/path-list.ts';
import type { ChunkedContent } from '../content/chunk-content.ts';
import type { FileEntry, LeftOut, SnapshotEntry } from '../manifest/manifest.ts';
import { filesOfSeveralNames, type SeveralNames } from './file-names.ts';
import type { KnownContent } from './known-content.ts';
import { createListedEntries, isUntouched, type ListedEntry } from './listed-entries.ts';
import { type Listing, type ListingOptions, listFolder } from './listing.ts';
import { type ContentSink, readContents } from './read-contents.ts';

/** How often a file is read that was written to meanwhile. */
const ROUNDS = 3;
const PERMISSION_BITS = 0o777;

export interface ReadFolder {
  readonly entries: PathList<SnapshotEntry>;
  readonly leftOut: readonly LeftOut[];
  /** Files that were written to each time they were read. */
  readonly unstable: readonly string[];
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
  const several = filesOfSeveralNames(listing.entries);
  const changed = createListedEntries();
  let files = 0;
  let bytesToRead = 0;
  const isSame = new Uint8Array(listing.entries.length);
  for (const [position, each] of firstNames(listing.entries, several)) {
    files += 1;
    const sameness = options.known.sameness(each);
    if (sameness === 'entry') isSame[position] = 1;
    if (sameness !== 'other') continue;
    changed.add(each);
    bytesToRead += each.stat.size;
  }
  options.onListed({ files, bytes: listing.bytes, toRead: changed.length, bytesToRead });
  const read = await readUntilStable(host, folder, { ...options, changed, several });
  const { entries, without, unstable } = assembled(listing.entries, {
    several,
    isSame: (position) => isSame[position] === 1,
    copy: options.known.copy,
    entryOf: (each) => read.entries.find(each.path) ?? options.known.unchanged(each),
  });
  const lost = without.map((path): LeftOut => ({ path, reason: read.lost.get(path) ?? 'gone' }));
  return {
    entries,
    unstable,
    leftOut: [...listing.leftOut, ...lost],
    newestChangeMs: listing.newestChangeMs,
    bytes: listing.bytes,
  };
}

/** Files, each under the first of its names: under that it is read. */
function* firstNames(
  entries: PathList<ListedEntry>,
  several: SeveralNames,
): Generator<readonly [number, ListedEntry]> {
  let position = 0;
  for (const each of entries) {
    const [first = position] = several.get(each.stat.identity) ?? [];
    if (each.stat.kind === 'file' && first === position) yield [position, each];
    position += 1;
  }
}

interface StableReading {
  readonly entries: PathList<FileEntry>;
  readonly lost: ReadonlyMap<string, 'gone' | 'unreadable'>;
}

interface UnstableReading extends ReadFolderOptions {
  readonly changed: PathList<ListedEntry>;
  readonly several: SeveralNames;
}

async function readUntilStable(
  host: Host,
  folder: HostPath,
  { changed, several, ...options }: UnstableReading,
): Promise<StableReading> {
  const entries = createFileEntries();
  const lost = new Map<string, 'gone' | 'unreadable'>();
  const looking = { ...options, maxBytes: Number.POSITIVE_INFINITY };
  let wanted = changed;
  for (let round = 1; wanted.length > 0; round += 1) {
    const { contentOf, lost: missing } = await readContents(host, folder, wanted, options);
    for (const [path, reason] of missing) lost.set(path, reason);
    const { entries: after } = await listFolder(host, folder, looking);
    const restless = createListedEntries();
    let position = 0;
    for (const before of wanted) {
      const content = contentOf(position);
      const now = after.find(before.path);
      position += 1;
      // The file may go on under another of its names.
      const next =
        now?.stat.identity === before.stat.identity || round === ROUNDS
          ? undefined
          : nextName(before, { listed: options.listing.entries, several, after });
      if (next !== undefined) restless.add(next);
      if (content === undefined) continue;
      const isStable = now !== undefined && isUntouched(before, now) && content.size === before.stat.size;
      if (isStable || round === ROUNDS || now?.stat.kind !== 'file')
        entries.add(fileEntry(before, content, isStable));
      else restless.add(now);
    }
    wanted = restless;
  }
  return { entries, lost };
}

function nextName(
  { path, stat }: ListedEntry,
  {
    listed,
    several,
    after,
  }: {
    readonly listed: PathList<ListedEntry>;
    readonly several: SeveralNames;
    readonly after: PathList<ListedEntry>;
  },
): ListedEntry | undefined {
  const names = (several.get(stat.identity) ?? []).map((position) => listed.at(position)?.path ?? '');
  for (const name of names.slice(names.indexOf(path) + 1)) {
    const found = after.find(name);
    if (found?.stat.identity === stat.identity) return found;
  }
  return undefined;
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

interface Assembled extends Pick<ReadFolder, 'entries' | 'unstable'> {
  /** Files of which no content is there. */
  readonly without: readonly string[];
}

/** What was listed as entries. */
function assembled(
  listed: PathList<ListedEntry>,
  {
    several,
    isSame,
    copy,
    entryOf,
  }: {
    readonly several: SeveralNames;
    /** Whether the last snapshot has an entry for what was listed there that is good as it is. */
    readonly isSame: (position: number) => boolean;
    readonly copy: KnownContent['copy'];
    readonly entryOf: (listed: ListedEntry) => FileEntry | undefined;
  },
): Assembled {
  const entries = createEntryList();
  const without: string[] = [];
  const unstable: string[] = [];
  const names = new Map<string, string>();
  let position = -1;
  for (const each of listed) {
    position += 1;
    const { path, stat, target = '' } = each;
    const { mode, modifiedMs } = { mode: stat.mode & PERMISSION_BITS, modifiedMs: stat.modifiedMs };
    if (stat.kind === 'directory') entries.add({ kind: 'directory', path, mode, modifiedMs });
    else if (stat.kind === 'symlink') entries.add({ kind: 'symlink', path, modifiedMs, target });
    else if (isSame(position) && !names.has(stat.identity)) {
      if (several.has(stat.identity)) names.set(stat.identity, path);
      copy(path, entries);
    } else {
      const first = names.get(stat.identity);
      const entry = first === undefined ? entryOf(each) : undefined;
      if (first !== undefined) entries.add({ kind: 'hard-link', path, target: first });
      else if (entry === undefined) without.push(path);
      else {
        // Another file may have taken this place since it was listed: then the other names are not its names.
        const { identity } = entry;
        if (identity !== stat.identity || several.has(identity)) names.set(identity, path);
        if (entry.unstable) unstable.push(path);
        entries.add(entry.mode === mode ? entry : { ...entry, mode });
      }
    }
  }
  return { entries, without, unstable };
}
