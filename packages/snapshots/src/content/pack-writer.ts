import type { BlobId, BlobStore } from '@seedbed/blob-store';
import { createChunkTable } from '../compact/chunk-table.ts';
import { CHUNK_BYTES, type ChunkId, type ChunkPlaces } from '../manifest/manifest.ts';
import type { Chunk } from './chunk-content.ts';
import { compress, type StoredChunk } from './compression.ts';
import { releaseBytes } from './release-bytes.ts';

/** Packs are about this large: ten thousand small files become a few hundred blobs less than ten thousand, and a few packs fit into memory. */
const PACK_BYTES = 4 * 1024 * 1024;
/** How many packs are on their way to the store at once. */
const PUTS_AT_ONCE = 2;
/** How many bytes wait to be compressed or packed, before whoever adds has to wait. */
const WAITING_BYTES = 8 * 1024 * 1024;
/** What a chunk that waits takes at the least, however small it is: of the smallest, any number would wait. */
const WAITING_AT_LEAST = 8 * 1024;
/** A pack is given to the store in pieces of this size. */
const PIECE_BYTES = 256 * 1024;

export interface PackWriter {
  /** Adds a chunk, unless it was added before. Resolves when there is room for the next. Fails when the store has failed. */
  add(id: ChunkId, chunk: Chunk): Promise<void>;
  readonly has: (id: ChunkId) => boolean;
  /** Bytes that were put so far. */
  readonly storedBytes: number;
  /** Puts what is left. Every chunk that was added now lies where this says. */
  finish(): Promise<ChunkPlaces>;
  /** Begins nothing more; resolves when nothing is on its way to the store any more. */
  giveUp(): Promise<void>;
  /** Ids of all packs that were put or begun, also after a failure. */
  readonly packs: readonly BlobId[];
}

/** A chunk as it goes into a pack. */
interface StoredPiece extends StoredChunk {
  readonly isOwn: boolean;
}

interface Waiting {
  readonly id: ChunkId;
  readonly bytes: number;
  readonly stored: StoredPiece;
}

/** Collects chunks into packs: compressed beside each other, packed in the order in which they were added. */
export function createPackWriter(
  blobs: BlobStore,
  { labels, signal }: { readonly labels: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
): PackWriter {
  const waiting = new Set<ChunkId>();
  const places = createChunkTable();
  const packs: BlobId[] = [];
  const room = createRoom(WAITING_BYTES);
  const puts = createRoom(PUTS_AT_ONCE);
  const running = new Set<Promise<void>>();
  const failure: { met: boolean; error?: unknown } = { met: false };
  let order: Promise<void> = Promise.resolve();
  let storedBytes = 0;
  let pack = emptyPack(blobs);

  const fail = (error: unknown): void => {
    if (!failure.met) Object.assign(failure, { met: true, error });
    room.open();
    puts.open();
  };

  async function putPack(): Promise<void> {
    const { id, content, bytes } = pack;
    pack = emptyPack(blobs);
    if (content === undefined) return;
    await puts.take(1);
    if (failure.met) return;
    packs.push(id);
    const put = blobs
      .put(ReadableStream.from(piecesOf(content.subarray(0, bytes))), {
        ...{ id, labels },
        ...(signal && { signal }),
      })
      .then(() => {
        storedBytes += bytes;
      }, fail)
      .finally(() => {
        releaseBytes(content);
        puts.give(1);
        running.delete(put);
      });
    running.add(put);
  }

  async function place({ id, bytes, stored }: Waiting): Promise<void> {
    places.add(id, {
      pack: pack.id,
      offset: pack.bytes,
      storedBytes: stored.bytes.length,
      bytes,
      codec: stored.codec,
    });
    pack.content ??= Buffer.allocUnsafeSlow(PACK_BYTES + CHUNK_BYTES);
    pack.content.set(stored.bytes, pack.bytes);
    pack.bytes += stored.bytes.length;
    if (stored.isOwn) releaseBytes(stored.bytes);
    if (pack.bytes >= PACK_BYTES) await putPack();
  }

  /** Resolves when it is packed; what was added before is packed before. */
  function enter(id: ChunkId, { bytes: plain, isOwn }: Chunk): Promise<void> {
    const { length } = plain;
    const stored = compress(plain).then((done) => {
      if (isOwn && done.codec !== 'none') releaseBytes(plain);
      return { ...done, isOwn: isOwn || done.codec !== 'none' };
    });
    return Promise.all([stored, order])
      .then(async ([done]) => {
        if (!failure.met) await place({ id, bytes: length, stored: done });
      })
      .catch(fail)
      .finally(() => {
        waiting.delete(id);
        room.give(weightOf(length));
      });
  }

  const has = (id: ChunkId): boolean => waiting.has(id) || places.has(id);

  return {
    has,
    packs,
    get storedBytes() {
      return storedBytes;
    },
    async add(id, chunk) {
      if (failure.met) throw failure.error;
      if (has(id)) return;
      waiting.add(id);
      const { length } = chunk.bytes;
      order = enter(id, chunk);
      await room.take(weightOf(length));
      if (failure.met) throw failure.error;
    },
    async finish() {
      await order;
      await putPack();
      await Promise.all(running);
      if (failure.met) throw failure.error;
      return places;
    },
    async giveUp() {
      fail(new Error('The packs were given up.'));
      await order;
      await Promise.all(running);
    },
  };
}

function weightOf(bytes: number): number {
  return Math.max(bytes, WAITING_AT_LEAST);
}

interface OpenPack {
  readonly id: BlobId;
  /** Chunks behind each other, copied: of small ones, thousands would wait here, each with what surrounds its bytes. It takes memory only as it fills. */
  content: Uint8Array | undefined;
  bytes: number;
}

function emptyPack(blobs: BlobStore): OpenPack {
  return { id: blobs.createId(), content: undefined, bytes: 0 };
}

function* piecesOf(content: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < content.length; at += PIECE_BYTES) yield content.subarray(at, at + PIECE_BYTES);
}

/** A number of places, taken and given back. A taker goes ahead as soon as any is free, so that one that takes more than all of them is not held up for ever. */
interface Room {
  take(places: number): Promise<void>;
  give(places: number): void;
  /** Nobody waits any more. */
  open(): void;
}

function createRoom(places: number): Room {
  let free = places;
  let isOpen = false;
  const waiting: (() => void)[] = [];
  const wake = (): void => {
    while (waiting.length > 0 && (isOpen || free > 0)) waiting.shift()?.();
  };
  return {
    async take(wanted) {
      while (!isOpen && free <= 0) await new Promise<void>((resolve) => waiting.push(resolve));
      free -= wanted;
    },
    give(given) {
      free += given;
      wake();
    },
    open() {
      isOpen = true;
      wake();
    },
  };
}
