import type { BlobId } from '@seedbed/blob-store';
import type { ChunkId, ChunkPlaces } from '../manifest/manifest.ts';
import type { PackUse } from '../task-head.ts';

/** A pack of which less than this share is needed is packed anew, so that its rest can go. */
const WASTEFUL_SHARE = 0.5;
/** Smaller packs are packed together when there are many of them: each save that finds little leaves one. */
const SMALL_BYTES = 1024 * 1024;
const MANY_SMALL = 24;
/** What one save packs anew at the most, so that no save takes long because of it. */
const MOVED_BYTES = 64 * 1024 * 1024;

/** Which of the chunks that are needed should be packed anew with this save, in the order in which they lie. */
export function chunksToMove(needed: ChunkPlaces, packs: ReadonlyMap<BlobId, number>): readonly ChunkId[] {
  const uses = packUses(needed, packs);
  const small = uses.filter(({ bytes }) => bytes < SMALL_BYTES);
  const chosen = new Set<BlobId>();
  let moved = 0;
  for (const { blob, bytes, usedBytes } of uses) {
    const isWasteful = usedBytes < bytes * WASTEFUL_SHARE;
    const isOneOfMany = small.length > MANY_SMALL && bytes < SMALL_BYTES;
    if (!(isWasteful || isOneOfMany) || moved + usedBytes > MOVED_BYTES) continue;
    chosen.add(blob);
    moved += usedBytes;
  }
  return Iterator.from(needed)
    .filter(([, { pack }]) => chosen.has(pack))
    .toArray()
    .sort(([, a], [, b]) => (a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1))
    .map(([id]) => id);
}

/** How much of each pack these chunks are. */
export function packUses(needed: ChunkPlaces, packs: ReadonlyMap<BlobId, number>): readonly PackUse[] {
  const used = new Map<BlobId, number>();
  for (const { pack, storedBytes } of needed.places()) used.set(pack, (used.get(pack) ?? 0) + storedBytes);
  return [...used].map(([blob, usedBytes]) => ({ blob, bytes: packs.get(blob) ?? usedBytes, usedBytes }));
}
