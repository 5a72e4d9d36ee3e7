import type { Host, HostPath } from '@seedbed/host';
import type { ChunkedContent } from '../content/chunk-content.ts';
import type { FileEntry, LeftOut, SnapshotEntry } from '../manifest/manifest.ts';
import type { KnownContent } from './known-content.ts';
import { type ListedEntry, type ListingOptions, listFolder } from './listing.ts';
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
  readonly known: KnownContent;
  readonly sink: ContentSink;
  /** The first listing is there: what there is, and what of it has to be read. */
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
  const listing = await listFolder(host, folder, options);
  const files = firstNames(listing.entries);
  const changed = files.filter((each) => options.known.unchanged(each) === undefined);
  options.onListed({
    files: files.length,
    bytes: listing.bytes,
    toRead: changed.length,
    bytesToRead: changed.reduce((sum, { stat }) => sum + stat.size, 0),
  });
  const read = await readUntilStable(host, folder, changed, options);
  const entryOf = (listed: ListedEntry): FileEntry | undefined =>
    read.entries.get(listed.path) ?? options.known.unchanged(listed);
  return {
    entries: [...assembled(listing.entries, entryOf)],
    leftOut: [...listing.leftOut, ...[...read.lost].map(([path, reason]): LeftOut => ({ path, reason }))],
    newestChangeMs: listing.newestChangeMs,
    bytes: listing.bytes,
  };
}

/** Files under the first of their names. */
function firstNames(entries: readonly ListedEntry[]): readonly ListedEntry[] {
  const seen = new Set<string>();
  return entries.filter(({ stat }) => {
    if (stat.kind !== 'file' || seen.has(stat.identity)) return false;
    seen.add(stat.identity);
    return true;
  });
}

interface StableReading {
  readonly entries: ReadonlyMap<string, FileEntry>;
  readonly lost: ReadonlyMap<string, 'gone' | 'unreadable'>;
}

async function readUntilStable(
  host: Host,
  folder: HostPath,
  changed: readonly ListedEntry[],
  options: ReadFolderOptions,
): Promise<StableReading> {
  const entries = new Map<string, FileEntry>();
  const lost = new Map<string, 'gone' | 'unreadable'>();
  let wanted = changed;
  for (let round = 1; wanted.length > 0; round += 1) {
    const { contents, lost: missing } = await readContents(host, folder, wanted, options);
    for (const [path, reason] of missing) lost.set(path, reason);
    const after = new Map(
      (await listFolder(host, folder, { ...options, maxBytes: Number.POSITIVE_INFINITY })).entries.map(
        (each) => [each.path, each],
      ),
    );
    const restless: ListedEntry[] = [];
    for (const before of wanted) {
      const content = contents.get(before.path);
      if (content === undefined) continue;
      const now = after.get(before.path);
      const isStable = now !== undefined && isUntouched(before, now) && content.size === before.stat.size;
      if (isStable || round === ROUNDS || now?.stat.kind !== 'file')
        entries.set(before.path, fileEntry(before, content, isStable));
      else restless.push(now);
    }
    wanted = restless;
  }
  return { entries, lost };
}

function isUntouched({ stat: a }: ListedEntry, { stat: b }: ListedEntry): boolean {
  return (
    a.kind === b.kind &&
    a.size === b.size &&
    a.modifiedMs === b.modifiedMs &&
    a.changedMs === b.changedMs &&
    a.identity === b.identity
  );
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

function* assembled(
  listed: readonly ListedEntry[],
  entryOf: (listed: ListedEntry) => FileEntry | undefined,
): Generator<SnapshotEntry> {
  const names = new Map<string, string>();
  for (const each of listed) {
    const { path, stat, target = '' } = each;
    const { mode, modifiedMs } = { mode: stat.mode & PERMISSION_BITS, modifiedMs: stat.modifiedMs };
    if (stat.kind === 'directory') yield { kind: 'directory', path, mode, modifiedMs };
    else if (stat.kind === 'symlink') yield { kind: 'symlink', path, modifiedMs, target };
    else {
      const first = names.get(stat.identity);
      const entry = first === undefined ? entryOf(each) : undefined;
      if (first !== undefined) yield { kind: 'hard-link', path, target: first };
      else if (entry !== undefined) {
        names.set(stat.identity, path);
        yield { ...entry, mode, modifiedMs: entry.modifiedMs };
      }
    }
  }
}
