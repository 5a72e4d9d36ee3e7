import type { ChunkedContent } from '../content/chunk-content.ts';
import type { ChunkId, FileEntry, SnapshotEntry } from '../manifest/manifest.ts';
import { createPathList, type GrowingPathList, type PathList } from './path-list.ts';
import type { RecordReader, RecordWriter } from './record.ts';

/** The entries of a snapshot, some 120 bytes each for a file of one chunk and a path of 40 characters. */
export function createEntryList(): GrowingPathList<SnapshotEntry> {
  return createPathList<SnapshotEntry>({ write: writeEntry, read: readEntry });
}

/** The same of files alone. */
export function createFileEntries(): GrowingPathList<FileEntry> {
  return createPathList<FileEntry>({ write: writeFile, read: readFile });
}

const KINDS = ['directory', 'symlink', 'hard-link', 'file'] as const;

function writeEntry(entry: SnapshotEntry, to: RecordWriter): void {
  to.byte(KINDS.indexOf(entry.kind));
  switch (entry.kind) {
    case 'directory':
      to.number(entry.mode);
      to.number(entry.modifiedMs);
      break;
    case 'symlink':
      to.number(entry.modifiedMs);
      to.text(entry.target);
      break;
    case 'hard-link':
      to.text(entry.target);
      break;
    case 'file':
      writeFile(entry, to);
      break;
  }
}

function readEntry(from: RecordReader, path: string): SnapshotEntry {
  const kind = KINDS[from.byte()];
  switch (kind) {
    case 'directory':
      return { kind, path, mode: from.number(), modifiedMs: from.number() };
    case 'symlink':
      return { kind, path, modifiedMs: from.number(), target: from.text() };
    case 'hard-link':
      return { kind, path, target: from.text() };
    default:
      return readFile(from, path);
  }
}

function writeFile(entry: FileEntry, to: RecordWriter): void {
  to.byte(entry.unstable === true ? 1 : 0);
  to.number(entry.mode);
  to.number(entry.modifiedMs);
  to.number(entry.changedMs);
  to.text(entry.identity);
  writeContent(entry, to);
}

/** By what an unchanged file is recognised. */
export interface FileMarks
  extends Pick<FileEntry, 'size' | 'mode' | 'modifiedMs' | 'changedMs' | 'identity'> {
  readonly isUnstable: boolean;
}

export function marksOfFile(entries: PathList<SnapshotEntry>, path: string): FileMarks | undefined {
  return entries.findPart(path, readMarks);
}

function readMarks(from: RecordReader): FileMarks | undefined {
  if (KINDS[from.byte()] !== 'file') return undefined;
  const isUnstable = from.byte() === 1;
  const [mode, modifiedMs, changedMs] = [from.number(), from.number(), from.number()];
  const identity = from.text();
  return { isUnstable, mode, modifiedMs, changedMs, identity, size: from.number() };
}

/** Takes a file as it is from one list into another. */
export function copyFile(
  path: string,
  from: PathList<SnapshotEntry>,
  to: GrowingPathList<SnapshotEntry>,
): void {
  const bytes = from.findBytes(path, skipFile);
  if (bytes !== undefined) to.addBytes(path, bytes);
}

function skipFile(from: RecordReader): void {
  from.byte();
  from.byte();
  from.skipNumbers(3);
  from.skipText();
  from.skipNumbers(1);
  from.skipDigests(1);
  const flags = from.byte();
  if ((flags & IS_ONE) === 0) from.skipDigests(from.number());
  if ((flags & HAS_WHOLE) !== 0) from.skipDigests(1);
}

/** The chunks of all files, in their order; those of several files as often. */
export function* chunksOfFiles(entries: PathList<SnapshotEntry>): Generator<ChunkId> {
  for (const chunks of entries.parts(readChunksOfFile)) yield* chunks;
}

function readChunksOfFile(from: RecordReader): readonly ChunkId[] {
  if (KINDS[from.byte()] !== 'file') return [];
  from.byte();
  from.skipNumbers(3);
  from.skipText();
  from.skipNumbers(1);
  const only = from.digest('base64url');
  return (from.byte() & IS_ONE) === 0 ? chunkIds(from, from.number()) : [only];
}

function readFile(from: RecordReader, path: string): FileEntry {
  const isUnstable = from.byte() === 1;
  const [mode, modifiedMs, changedMs] = [from.number(), from.number(), from.number()];
  const identity = from.text();
  const { chunks, size, digest, wholeChunksDigest } = readContent(from);
  const kind = 'file';
  const entry: FileEntry = { kind, path, mode, modifiedMs, size, chunks, digest, identity, changedMs };
  if (wholeChunksDigest === undefined && !isUnstable) return entry;
  return {
    ...entry,
    ...(wholeChunksDigest === undefined ? {} : { wholeChunksDigest }),
    ...(isUnstable ? { unstable: true } : {}),
  };
}

/** Most files are one chunk, whose id says the same as their digest: it is kept once. */
export function writeContent(content: ChunkedContent, to: RecordWriter): void {
  const { chunks, size, digest, wholeChunksDigest } = content;
  const [only] = chunks;
  to.number(size);
  to.digest(digest, 'hex');
  const isOne = only !== undefined && chunks.length === 1 && to.isSameDigest(only, 'base64url');
  to.byte((isOne ? IS_ONE : 0) + (wholeChunksDigest === undefined ? 0 : HAS_WHOLE));
  if (!isOne) {
    to.number(chunks.length);
    for (const id of chunks) to.digest(id, 'base64url');
  }
  if (wholeChunksDigest !== undefined) to.digest(wholeChunksDigest, 'hex');
}

const IS_ONE = 1;
const HAS_WHOLE = 2;

export function readContent(from: RecordReader): ChunkedContent {
  const size = from.number();
  const digest = from.digest('hex');
  const only = from.sameDigest('base64url');
  const flags = from.byte();
  const chunks = (flags & IS_ONE) === 0 ? chunkIds(from, from.number()) : [only];
  if ((flags & HAS_WHOLE) === 0) return { chunks, size, digest };
  return { chunks, size, digest, wholeChunksDigest: from.digest('hex') };
}

function chunkIds(from: RecordReader, count: number): readonly ChunkId[] {
  return Array.from({ length: count }, () => from.digest('base64url'));
}
