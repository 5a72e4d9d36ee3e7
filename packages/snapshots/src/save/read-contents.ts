import { type FileRange, type Host, type HostPath, hashFiles, readFiles } from '@seedbed/host';
import { createCompactList } from '../compact/compact-list.ts';
import { readContent, writeContent } from '../compact/entry-list.ts';
import type { PathList } from '../compact/path-list.ts';
import { type Chunk, type ChunkedContent, chunkContent } from '../content/chunk-content.ts';
import { CHUNK_BYTES, type ChunkId, type FileEntry } from '../manifest/manifest.ts';
import type { KnownContent } from './known-content.ts';
import type { ListedEntry } from './listed-entries.ts';

export interface ContentSink {
  /** Keeps a chunk that was read, unless it is kept already. */
  readonly take: (id: ChunkId, chunk: Chunk) => Promise<void>;
  /** A file is done: how much of it came over, and how much was known. */
  done(readBytes: number, knownBytes: number): void;
}

export interface ReadContents {
  /** Of the file that was named there. Where there is none it was gone or may not be read. */
  readonly contentOf: (position: number) => ChunkedContent | undefined;
  readonly lost: ReadonlyMap<string, 'gone' | 'unreadable'>;
}

export interface ReadContentsOptions {
  readonly known: KnownContent;
  readonly sink: ContentSink;
  readonly signal?: AbortSignal;
}

/**
 * The contents of files: of those that are probably known, or have probably only grown, a digest is asked for first, and what it proves is not sent.
 * At most two commands on the host.
 */
export async function readContents(
  host: Host,
  folder: HostPath,
  files: PathList<ListedEntry>,
  options: ReadContentsOptions,
): Promise<ReadContents> {
  const { sink, signal, known } = options;
  const { begins, isWhole } = await proveKnown(host, folder, files, options);
  const lost = new Map<string, 'gone' | 'unreadable'>();
  const contents = createCompactList<ChunkedContent>({ write: writeContent, read: readContent });
  /** By the position of the file, that of its content, and one more. */
  const places = new Uint32Array(files.length);
  const keep = (position: number, content: ChunkedContent): void => {
    contents.add(content);
    places[position] = contents.length;
  };
  let position = 0;
  for (const file of files) {
    const entry = isWhole(position) ? known.probably(file) : undefined;
    if (entry !== undefined) {
      keep(position, contentOf(entry));
      sink.done(0, entry.size);
    }
    position += 1;
  }
  const isWanted = (at: number): boolean => places[at] === 0;
  const wanted = function* (): Generator<FileRange> {
    let at = 0;
    for (const { path, stat } of files) {
      const offset = begins.get(at)?.wholeBytes ?? 0;
      if (isWanted(at)) yield { relativePath: path, offset, length: stat.size - offset };
      at += 1;
    }
  };
  if (contents.length < files.length) {
    let at = -1;
    for await (const reading of readFiles(host, folder, wanted(), signal && { signal })) {
      // They come in the order in which they are asked for.
      const { relativePath, status, body } = reading;
      do at += 1;
      while (at < files.length && !(isWanted(at) && files.at(at)?.path === relativePath));
      if (status !== 'read') {
        lost.set(relativePath, status === 'unreadable' ? 'unreadable' : 'gone');
        continue;
      }
      const read = await chunkContent(body, { take: sink.take, isOwn: true });
      const beginning = begins.get(at);
      keep(at, beginning === undefined ? read : continued(beginning, read));
      sink.done(read.size, beginning?.wholeBytes ?? 0);
    }
  }
  return { contentOf: (at) => contents.at((places[at] ?? 0) - 1), lost };
}

/** What the host's digests have proved of files, by their positions. */
interface Proofs {
  /** It has the content of the entry that it seems to have. */
  readonly isWhole: (position: number) => boolean;
  /** It begins with the whole chunks of an entry. */
  readonly begins: ReadonlyMap<number, ProvenBeginning>;
}

interface ProvenBeginning {
  readonly chunks: readonly ChunkId[];
  readonly wholeBytes: number;
  /** Of the file as it is now. */
  readonly digest: string;
  readonly wholeChunksDigest: string;
}

/** What is asked of a file, or has been answered. */
const NOTHING = 0;
const SAME = 1;
const GROWN = 2;
const PROVEN = 3;

async function proveKnown(
  host: Host,
  folder: HostPath,
  files: PathList<ListedEntry>,
  { known, signal }: ReadContentsOptions,
): Promise<Proofs> {
  const marks = new Uint8Array(files.length);
  let questions = 0;
  let position = 0;
  for (const listed of files) {
    if (known.probably(listed) !== undefined) marks[position] = SAME;
    else if (known.grownFrom(listed) !== undefined) marks[position] = GROWN;
    if (marks[position] !== NOTHING) questions += 1;
    position += 1;
  }
  const begins = new Map<number, ProvenBeginning>();
  const isWhole = (at: number): boolean => marks[at] === PROVEN;
  if (questions === 0) return { isWhole, begins };
  const answers = hashFiles(host, folder, ranges(files, { marks, known }), signal && { signal });
  const next = async (): Promise<string | undefined> => (await answers.next()).value?.sha256;
  position = -1;
  try {
    for (const listed of files) {
      position += 1;
      if (marks[position] === SAME) {
        const digest = await next();
        if (digest !== undefined && known.probably(listed)?.digest === digest) marks[position] = PROVEN;
      }
      const grown = marks[position] === GROWN ? known.grownFrom(listed) : undefined;
      if (grown === undefined) continue;
      const [before, whole, all] = [await next(), await next(), await next()];
      if (before !== grown.wholeDigest || whole === undefined || all === undefined) continue;
      const { wholeBytes, entry } = grown;
      const chunks = entry.chunks.slice(0, wholeBytes / CHUNK_BYTES);
      begins.set(position, { chunks, wholeBytes, digest: all, wholeChunksDigest: whole });
    }
  } finally {
    // The file of the last answer is open until then.
    await answers.return();
  }
  return { isWhole, begins };
}

function* ranges(
  files: PathList<ListedEntry>,
  { marks, known }: { readonly marks: Uint8Array; readonly known: KnownContent },
): Generator<FileRange> {
  let position = 0;
  for (const listed of files) {
    const { path: relativePath, stat } = listed;
    const { size } = stat;
    const grown = marks[position] === GROWN ? known.grownFrom(listed) : undefined;
    // Only one of the size of its entry seems to be the same.
    if (marks[position] === SAME) yield { relativePath, offset: 0, length: size };
    position += 1;
    if (grown === undefined) continue;
    for (const length of [grown.wholeBytes, Math.floor(size / CHUNK_BYTES) * CHUNK_BYTES, size])
      yield { relativePath, offset: 0, length };
  }
}

function contentOf({ chunks, size, digest, wholeChunksDigest }: FileEntry): ChunkedContent {
  return { chunks, size, digest, ...(wholeChunksDigest === undefined ? {} : { wholeChunksDigest }) };
}

function continued(begins: ProvenBeginning, tail: ChunkedContent): ChunkedContent {
  return {
    chunks: [...begins.chunks, ...tail.chunks],
    size: begins.wholeBytes + tail.size,
    digest: begins.digest,
    wholeChunksDigest: begins.wholeChunksDigest,
  };
}
