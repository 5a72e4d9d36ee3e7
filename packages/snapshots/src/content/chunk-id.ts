import { hash } from 'node:crypto';
import type { ChunkId } from '../manifest/manifest.ts';

export function chunkIdOf(plain: Uint8Array): ChunkId {
  return hash('sha256', plain, 'base64url');
}

/** A chunk's id says the same as the hex digest of content that is one chunk. */
export function digestOfChunk(id: ChunkId): string {
  return Buffer.from(id, 'base64url').toString('hex');
}

/** What {@link digestOfChunk} gives for content without a byte. */
export const EMPTY_DIGEST: string = hash('sha256', '', 'hex');
