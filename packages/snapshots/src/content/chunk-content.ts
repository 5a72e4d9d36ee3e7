import { createHash, type Hash } from 'node:crypto';
import { CHUNK_BYTES, type ChunkId } from '../manifest/manifest.ts';
import { chunkIdOf, digestOfChunk, EMPTY_DIGEST } from './chunk-id.ts';

export interface ChunkedContent {
  readonly chunks: readonly ChunkId[];
  readonly size: number;
  /** SHA-256 of all of it, in hex. */
  readonly digest: string;
  /** SHA-256 of its whole chunks, in hex, where there are any. */
  readonly wholeChunksDigest?: string;
}

/** Cuts a stream into chunks, hands each on as it comes, and says what they were. Holds one chunk at a time. */
export async function chunkContent(
  body: AsyncIterable<Uint8Array>,
  take: (id: ChunkId, plain: Uint8Array) => Promise<void>,
): Promise<ChunkedContent> {
  const chunks: ChunkId[] = [];
  const digest = createGrowingDigest();
  let size = 0;
  for await (const chunk of cut(body)) {
    const id = chunkIdOf(chunk);
    chunks.push(id);
    size += chunk.length;
    digest.add(chunk, id);
    await take(id, chunk);
  }
  const whole = digest.ofWholeChunks();
  return {
    chunks,
    size,
    digest: digest.ofAll(),
    ...(whole === undefined ? {} : { wholeChunksDigest: whole }),
  };
}

/** Pieces of any size as chunks, all but the last whole, in memory of their own. */
async function* cut(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    let rest = piece;
    while (bytes + rest.length >= CHUNK_BYTES) {
      const taken = CHUNK_BYTES - bytes;
      yield Buffer.concat([...waiting, rest.subarray(0, taken)], CHUNK_BYTES);
      waiting = [];
      bytes = 0;
      rest = rest.subarray(taken);
    }
    if (rest.length === 0) continue;
    waiting.push(rest);
    bytes += rest.length;
  }
  if (bytes > 0) yield Buffer.concat(waiting, bytes);
}

interface GrowingDigest {
  add(chunk: Uint8Array, id: ChunkId): void;
  ofAll(): string;
  ofWholeChunks(): string | undefined;
}

/** Most files are one chunk, whose id is their digest: only more of them are hashed once again. */
function createGrowingDigest(): GrowingDigest {
  let first: { readonly chunk: Uint8Array; readonly id: ChunkId } | undefined;
  let all: Hash | undefined;
  let whole: Hash | undefined;
  return {
    add(chunk, id) {
      if (first === undefined) {
        first = { chunk, id };
        return;
      }
      all ??= createHash('sha256').update(first.chunk);
      if (whole === undefined) whole = all.copy();
      all.update(chunk);
      if (chunk.length === CHUNK_BYTES) whole = all.copy();
    },
    ofAll: () => all?.copy().digest('hex') ?? (first === undefined ? EMPTY_DIGEST : digestOfChunk(first.id)),
    ofWholeChunks() {
      if (whole !== undefined) return whole.copy().digest('hex');
      return first?.chunk.length === CHUNK_BYTES ? digestOfChunk(first.id) : undefined;
    },
  };
}
