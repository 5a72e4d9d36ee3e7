import { type BlobId, type BlobStore, BlobStoreError } from '@seedbed/blob-store';
import type { ChunkId, ChunkPlace, ChunkPlaces } from '../manifest/manifest.ts';
import { SnapshotError } from '../snapshot-error.ts';
import { asSnapshotError } from '../store-failure.ts';
import { chunkIdOf } from './chunk-id.ts';
import { decompress } from './compression.ts';

/** Chunks that lie beside each other are asked for together, up to this many bytes. */
const RUN_BYTES = 4 * 1024 * 1024;
/** … and as read: what compresses very well takes much more room than it does in the store. */
const RUN_PLAIN_BYTES = 8 * 1024 * 1024;
/** How many chunks of a run are unpacked at once. */
const UNPACKED_AT_ONCE = 4;
/** A gap that is cheaper to read over than to ask again behind. */
const GAP_BYTES = 64 * 1024;
/** How many runs are read before they are needed. */
const RUNS_AHEAD = 2;

export interface ReadChunk {
  readonly id: ChunkId;
  /** As it was saved: it has been checked against its id. */
  readonly bytes: Uint8Array;
}

export interface ReadChunksOptions {
  readonly places: Pick<ChunkPlaces, 'get'>;
  /** For messages. */
  readonly what: string;
  readonly signal?: AbortSignal;
}

/**
 * The chunks, in the order in which they are named, read ahead in few requests.
 * @throws {SnapshotError} `damaged` at the first that is missing or is not what was saved; `wrong-key`, `store-failed`, `aborted`.
 */
export async function* readChunks(
  blobs: BlobStore,
  ids: Iterable<ChunkId>,
  options: ReadChunksOptions,
): AsyncGenerator<ReadChunk, void, undefined> {
  const runs = runsOf(ids, options);
  const ahead: Promise<readonly ReadChunk[]>[] = [];
  const readNext = (): void => {
    const { value: run } = runs.next();
    if (run === undefined) return;
    const read = readRun(blobs, run, options);
    // Met by whoever takes it.
    read.catch(() => undefined);
    ahead.push(read);
  };
  for (let count = 0; count < RUNS_AHEAD; count += 1) readNext();
  for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
    const chunks = await next;
    readNext();
    yield* chunks;
  }
}

interface Run {
  readonly pack: BlobId;
  readonly offset: number;
  readonly length: number;
  readonly chunks: readonly (readonly [ChunkId, ChunkPlace])[];
}

function* runsOf(ids: Iterable<ChunkId>, { places, what }: ReadChunksOptions): Generator<Run> {
  let pack: BlobId | undefined;
  let start = 0;
  let end = 0;
  let plainBytes = 0;
  let chunks: (readonly [ChunkId, ChunkPlace])[] = [];
  const run = (): Run[] =>
    pack === undefined || chunks.length === 0 ? [] : [{ pack, offset: start, length: end - start, chunks }];
  for (const id of ids) {
    const place = places.get(id);
    if (place === undefined) throw new SnapshotError('damaged', `Of ${what}, chunk ${id} lies nowhere.`);
    const last = place.offset + place.storedBytes;
    const follows =
      place.pack === pack &&
      place.offset >= end &&
      place.offset - end <= GAP_BYTES &&
      last - start <= RUN_BYTES &&
      plainBytes + place.bytes <= RUN_PLAIN_BYTES;
    if (!follows) {
      yield* run();
      pack = place.pack;
      start = place.offset;
      plainBytes = 0;
      chunks = [];
    }
    end = last;
    plainBytes += place.bytes;
    chunks.push([id, place]);
  }
  yield* run();
}

async function readRun(
  blobs: BlobStore,
  run: Run,
  options: ReadChunksOptions,
): Promise<readonly ReadChunk[]> {
  const bytes = await readRange(blobs, run, options);
  const unpack = async ([id, place]: readonly [ChunkId, ChunkPlace]): Promise<ReadChunk> => {
    const from = place.offset - run.offset;
    const stored = bytes.subarray(from, from + place.storedBytes);
    const plain = await decompress({ bytes: stored, codec: place.codec }, place.bytes).catch(
      (cause: unknown) => {
        throw damaged(id, options.what, cause);
      },
    );
    if (plain.length !== place.bytes || chunkIdOf(plain) !== id) throw damaged(id, options.what);
    return { id, bytes: plain };
  };
  const unpacked: ReadChunk[] = [];
  for (let at = 0; at < run.chunks.length; at += UNPACKED_AT_ONCE)
    unpacked.push(...(await Promise.all(run.chunks.slice(at, at + UNPACKED_AT_ONCE).map(unpack))));
  return unpacked;
}

async function readRange(
  blobs: BlobStore,
  { pack, offset, length }: Omit<Run, 'chunks'>,
  { what, signal }: Omit<ReadChunksOptions, 'places'>,
): Promise<Uint8Array> {
  try {
    const stream = await blobs.open(pack, { offset, length, ...(signal && { signal }) });
    const bytes = new Uint8Array(length);
    let filled = 0;
    for await (const piece of stream) {
      if (filled + piece.length > length) break;
      bytes.set(piece, filled);
      filled += piece.length;
    }
    if (filled === length) return bytes;
    throw new BlobStoreError('damaged', `Pack ${pack} is too short.`);
  } catch (failure) {
    throw asSnapshotError(failure, `read pack ${pack} of ${what}`);
  }
}

function damaged(id: ChunkId, what: string, cause?: unknown): SnapshotError {
  return new SnapshotError('damaged', `Of ${what}, chunk ${id} is not what was saved.`, { cause });
}
