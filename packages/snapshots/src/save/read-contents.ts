import { type Host, type HostPath, hashFiles, readFiles } from '@seedbed/host';
import { type Chunk, type ChunkedContent, chunkContent } from '../content/chunk-content.ts';
import { CHUNK_BYTES, type ChunkId, type FileEntry } from '../manifest/manifest.ts';
import type { GrownFile, KnownContent } from './known-content.ts';
import type { ListedEntry } from './listing.ts';

export interface ContentSink {
  /** Keeps a chunk that was read, unless it is kept already. */
  readonly take: (id: ChunkId, chunk: Chunk) => Promise<void>;
  /** A file is done: how much of it came over, and how much was known. */
  done(readBytes: number, knownBytes: number): void;
}

export interface ReadContents {
  /** By path. What is missing here was gone or may not be read. */
  readonly contents: ReadonlyMap<string, ChunkedContent>;
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
  files: readonly ListedEntry[],
  options: ReadContentsOptions,
): Promise<ReadContents> {
  const proven = await proveKnown(host, folder, files, options);
  const contents = new Map<string, ChunkedContent>();
  const lost = new Map<string, 'gone' | 'unreadable'>();
  const wanted: { readonly relativePath: string; readonly offset: number; readonly length: number }[] = [];
  for (const { path, stat } of files) {
    const { whole, begins } = proven.get(path) ?? {};
    if (whole !== undefined) {
      contents.set(path, contentOf(whole));
      options.sink.done(0, whole.size);
    } else {
      const offset = begins?.wholeBytes ?? 0;
      wanted.push({ relativePath: path, offset, length: stat.size - offset });
    }
  }
  if (wanted.length === 0) return { contents, lost };
  const { sink, signal } = options;
  for await (const { relativePath, status, body } of readFiles(host, folder, wanted, signal && { signal })) {
    if (status !== 'read') {
      lost.set(relativePath, status === 'unreadable' ? 'unreadable' : 'gone');
      continue;
    }
    const read = await chunkContent(body, { take: sink.take, isOwn: true });
    const begins = proven.get(relativePath)?.begins;
    contents.set(relativePath, begins === undefined ? read : continued(begins, read));
    sink.done(read.size, begins?.wholeBytes ?? 0);
  }
  return { contents, lost };
}

/** What the host's digests have proved of a file. */
interface Proof {
  /** It has the content of this entry. */
  readonly whole?: FileEntry;
  /** It begins with the whole chunks of an entry. */
  readonly begins?: ProvenBeginning;
}

interface ProvenBeginning {
  readonly chunks: readonly ChunkId[];
  readonly wholeBytes: number;
  /** Of the file as it is now. */
  readonly digest: string;
  readonly wholeChunksDigest: string;
}

type Question =
  | { readonly kind: 'same'; readonly path: string; readonly entry: FileEntry }
  | { readonly kind: 'grown'; readonly path: string; readonly grown: GrownFile; readonly size: number };

async function proveKnown(
  host: Host,
  folder: HostPath,
  files: readonly ListedEntry[],
  { known, signal }: ReadContentsOptions,
): Promise<ReadonlyMap<string, Proof>> {
  const questions = files.flatMap((listed): Question[] => {
    const { path, stat } = listed;
    const entry = known.probably(listed);
    if (entry !== undefined) return [{ kind: 'same', path, entry }];
    const grown = known.grownFrom(listed);
    return grown === undefined ? [] : [{ kind: 'grown', path, grown, size: stat.size }];
  });
  const proofs = new Map<string, Proof>();
  if (questions.length === 0) return proofs;
  const asked = questions.flatMap((question) => rangesOf(question));
  const answers = hashFiles(host, folder, asked, signal && { signal });
  const next = async (): Promise<string | undefined> => (await answers.next()).value?.sha256;
  for (const question of questions) {
    if (question.kind === 'same') {
      if ((await next()) === question.entry.digest) proofs.set(question.path, { whole: question.entry });
      continue;
    }
    const [before, whole, all] = [await next(), await next(), await next()];
    const { path, grown } = question;
    if (before !== grown.wholeDigest || whole === undefined || all === undefined) continue;
    const { wholeBytes, entry } = grown;
    const chunks = entry.chunks.slice(0, wholeBytes / CHUNK_BYTES);
    proofs.set(path, { begins: { chunks, wholeBytes, digest: all, wholeChunksDigest: whole } });
  }
  return proofs;
}

function rangesOf(
  question: Question,
): readonly { readonly relativePath: string; readonly offset: number; readonly length: number }[] {
  const relativePath = question.path;
  const upTo = (length: number): { relativePath: string; offset: number; length: number } => ({
    relativePath,
    offset: 0,
    length,
  });
  if (question.kind === 'same') return [upTo(question.entry.size)];
  const { size, grown } = question;
  return [upTo(grown.wholeBytes), upTo(Math.floor(size / CHUNK_BYTES) * CHUNK_BYTES), upTo(size)];
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
