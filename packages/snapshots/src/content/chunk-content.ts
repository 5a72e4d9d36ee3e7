import { createHash, type Hash } from 'node:crypto';
import { CHUNK_BYTES, type ChunkId } from '../manifest/manifest.ts';
import { chunkIdOf, digestOfChunk, EMPTY_DIGEST } from './chunk-id.ts';

/** A part of a file, or all of it. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** Whether nobody else has a part of its memory, so that it may be released. */
  readonly isOwn: boolean;
}

export interface ChunkedContent {
  readonly chunks: readonly ChunkId[];
  readonly size: number;
  /** SHA-256 of all of it, in hex. */
  readonly digest: string;
  /** SHA-256 of its whole chunks, in hex, where there are any. */
  readonly wholeChunksDigest?: string;
}

/** Cuts a stream into chunks, hands each on as it comes, to be kept or released, and says what they were. Holds one chunk at a time. */
export async function chunkContent(
  body: AsyncIterable<Uint8Array>,
  {
    take,
    isOwn,
  }: {
    readonly take: (id: ChunkId, chunk: Chunk) => Promise<void>;
    /** Whether the pieces of the body are nobody else's. */
    readonly isOwn: boolean;
  },
): Promise<ChunkedContent> {
  const chunks: ChunkId[] = [];
  const digest = createGrowingDigest();
  let size = 0;
  for await (const chunk of cut(body, isOwn)) {
    const id = chunkIdOf(chunk.bytes);
    chunks.push(id);
    size += chunk.bytes.length;
    digest.add(chunk.bytes, id);
    await take(id, chunk);
  }
  const whole = digest.ofWholeChunks();
  return {
    // An array that has grown has room for more: in a large folder that adds up.
    chunks: chunks.slice(),
    size,
    digest: digest.ofAll(),
    ...(whole === undefined ? {} : { wholeChunksDigest: whole }),
  };
}

/** Pieces of any size as chunks, all but the last whole. A chunk that comes in one piece is that piece, not a copy: most files are one. */
async function* cut(body: AsyncIterable<Uint8Array>, isOwn: boolean): AsyncGenerator<Chunk, void, undefined> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    let rest = piece;
    while (bytes + rest.length >= CHUNK_BYTES) {
      const taken = CHUNK_BYTES - bytes;
      const pieces = [...waiting, rest.subarray(0, taken)];
      // Before it is handed on: whoever takes a chunk may give its memory back.
      rest = rest.subarray(taken);
      waiting = [];
      bytes = 0;
      yield joined(pieces, { bytes: CHUNK_BYTES, isOwn });
    }
    if (rest.length === 0) continue;
    waiting.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield joined(waiting, { bytes, isOwn });
}

function joined(
  pieces: readonly Uint8Array[],
  { bytes, isOwn }: { readonly bytes: number; readonly isOwn: boolean },
): Chunk {
  const [only] = pieces;
  // A part of a piece has the rest of it in its buffer, and is not released.
  if (pieces.length === 1 && only !== undefined) return { bytes: only, isOwn };
  return { bytes: Buffer.concat(pieces, bytes), isOwn: true };
}

interface GrowingDigest {
  add(chunk: Uint8Array, id: ChunkId): void;
  ofAll(): string;
  ofWholeChunks(): string | undefined;
}

/** Most files are less than one chunk, whose id is their digest: only others are hashed once again. */
function createGrowingDigest(): GrowingDigest {
  let first: ChunkId | undefined;
  let all: Hash | undefined;
  let whole: Hash | undefined;
  return {
    add(chunk, id) {
      const isWhole = chunk.length === CHUNK_BYTES;
      if (first === undefined) first = id;
      if (all === undefined && !isWhole) return;
      all ??= createHash('sha256');
      all.update(chunk);
      if (isWhole) whole = all.copy();
    },
    ofAll: () => all?.copy().digest('hex') ?? (first === undefined ? EMPTY_DIGEST : digestOfChunk(first)),
    ofWholeChunks: () => whole?.copy().digest('hex'),
  };
}
