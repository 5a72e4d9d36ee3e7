import type { FileStat } from '@seedbed/host';
import { type FileMarks, marksOfFile } from '../compact/entry-list.ts';
import { CHUNK_BYTES, type FileEntry, type Manifest } from '../manifest/manifest.ts';
import type { ListedEntry } from './listed-entries.ts';

/** A change within this time of the newest one may have been followed by another that shows no other time: file systems count time in ticks. */
const TICK_MS = 1_000;

/** What the last snapshot of a task says of the content of its files, as far as it may be believed of the folder that is saved now. */
export interface KnownContent {
  /** Whether there is an entry whose content this file has for certain, without reading it. */
  isUnchanged(listed: ListedEntry): boolean;
  /** That entry. */
  unchanged(listed: ListedEntry): FileEntry | undefined;
  /** The entry whose content this file seems to have: a digest can tell. */
  probably(listed: ListedEntry): FileEntry | undefined;
  /** The entry whose whole chunks this file seems to begin with: a digest can tell. */
  grownFrom(listed: ListedEntry): GrownFile | undefined;
}

export interface GrownFile {
  readonly entry: FileEntry;
  /** Bytes of its whole chunks. */
  readonly wholeBytes: number;
  /** SHA-256 of them, in hex. */
  readonly wholeDigest: string;
}

/** @param hostLabel of the host that is saved from: identity and times of files mean something on their own host only. */
export function createKnownContent(last: Manifest | undefined, hostLabel: string): KnownContent {
  const fileAt = (path: string): FileEntry | undefined => {
    const entry = last?.entries.find(path);
    return entry?.kind === 'file' ? entry : undefined;
  };
  const isSameHost = last?.host.label === hostLabel;
  const trustedBeforeMs = (last?.newestChangeMs ?? 0) - TICK_MS;
  const settledMs = last?.settledMs ?? 0;

  function isUnchanged({ path, stat }: ListedEntry): boolean {
    const isSettled = stat.changedMs < trustedBeforeMs || stat.changedMs <= settledMs;
    if (last === undefined || !isSameHost || !isSettled) return false;
    const marks = marksOfFile(last.entries, path);
    return marks !== undefined && !marks.isUnstable && isSameFile(marks, stat);
  }

  return {
    isUnchanged,
    unchanged: (listed) => (isUnchanged(listed) ? fileAt(listed.path) : undefined),
    probably({ path, stat }) {
      const entry = fileAt(path);
      if (entry === undefined || entry.unstable === true) return undefined;
      return entry.size === stat.size && entry.modifiedMs === stat.modifiedMs ? entry : undefined;
    },
    grownFrom({ path, stat }) {
      const entry = fileAt(path);
      if (entry?.wholeChunksDigest === undefined || stat.size < entry.size) return undefined;
      const wholeBytes = Math.floor(entry.size / CHUNK_BYTES) * CHUNK_BYTES;
      return { entry, wholeBytes, wholeDigest: entry.wholeChunksDigest };
    },
  };
}

function isSameFile(entry: FileMarks, stat: FileStat): boolean {
  return (
    entry.size === stat.size &&
    entry.modifiedMs === stat.modifiedMs &&
    entry.changedMs === stat.changedMs &&
    entry.identity === stat.identity
  );
}
