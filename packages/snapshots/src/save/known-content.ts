import type { FileStat } from '@seedbed/host';
import { copyFile, type FileMarks, marksOfFile } from '../compact/entry-list.ts';
import type { GrowingPathList } from '../compact/path-list.ts';
import {
  CHUNK_BYTES,
  type FileEntry,
  hostOfMarks,
  type Manifest,
  type SnapshotEntry,
} from '../manifest/manifest.ts';
import type { ListedEntry } from './listed-entries.ts';

/** A change within this time of the newest one may have been followed by another that shows no other time: file systems count time in ticks. */
const TICK_MS = 1_000;
const PERMISSION_BITS = 0o777;

/** What the last snapshot of a task says of the content of its files, as far as it may be believed of the folder that is saved now. */
export interface KnownContent {
  /** Whether there is an entry whose content this file has for certain, without reading it; and whether all else of it is the same. */
  sameness(listed: ListedEntry): 'other' | 'content' | 'entry';
  /** The entry whose content it has. */
  unchanged(listed: ListedEntry): FileEntry | undefined;
  /** Adds the entry that is the same. */
  copy(path: string, to: GrowingPathList<SnapshotEntry>): void;
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
  const isSameHost = last !== undefined && hostOfMarks(last) === hostLabel;
  const trustedBeforeMs = (last?.newestChangeMs ?? 0) - TICK_MS;
  const settledMs = last?.settledMs ?? 0;

  function sameness({ path, stat }: ListedEntry): 'other' | 'content' | 'entry' {
    const isSettled = stat.changedMs < trustedBeforeMs || stat.changedMs <= settledMs;
    if (last === undefined || !isSameHost || !isSettled) return 'other';
    const marks = marksOfFile(last.entries, path);
    if (marks === undefined || marks.isUnstable || !isSameFile(marks, stat)) return 'other';
    return marks.mode === (stat.mode & PERMISSION_BITS) ? 'entry' : 'content';
  }

  return {
    sameness,
    unchanged: (listed) => (sameness(listed) === 'other' ? undefined : fileAt(listed.path)),
    copy(path, to) {
      if (last !== undefined) copyFile(path, last.entries, to);
    },
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
