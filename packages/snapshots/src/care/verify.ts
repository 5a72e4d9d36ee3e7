import type { BlobStore } from '@seedbed/blob-store';
import { readChunks } from '../content/chunk-reader.ts';
import type { ChunkId, Manifest } from '../manifest/manifest.ts';
import { SnapshotError } from '../snapshot-error.ts';

export interface VerifyReport {
  readonly chunks: number;
  /** Bytes, as they were read from the host. */
  readonly bytes: number;
  /** Files and records of which something is missing or is not what was saved; empty when the snapshot is whole. */
  readonly damaged: readonly string[];
}

/** Reads back everything that a snapshot holds. Damage is a value: only a store that does not answer is an error. */
export async function verifyContent(
  blobs: BlobStore,
  manifest: Manifest,
  { what, signal }: { readonly what: string; readonly signal?: AbortSignal },
): Promise<VerifyReport> {
  const options = { places: manifest.chunks, what, ...(signal && { signal }) };
  const damaged = new Set<ChunkId>();
  let bytes = 0;
  const inOrder = [...manifest.chunks].sort(([, a], [, b]) =>
    a.pack === b.pack ? a.offset - b.offset : a.pack < b.pack ? -1 : 1,
  );
  const ids = inOrder.map(([id]) => id);
  let next = 0;
  while (next < ids.length) {
    try {
      for await (const chunk of readChunks(blobs, ids.slice(next), options)) {
        bytes += chunk.bytes.length;
        next += 1;
      }
    } catch (failure) {
      if (!(failure instanceof SnapshotError) || failure.code !== 'damaged') throw failure;
      // The damage is in what was asked for next, together: now it is asked for one by one.
      for (const id of ids.slice(next, next + ONE_BY_ONE))
        bytes += await bytesOf(blobs, id, { options, damaged });
      next += ONE_BY_ONE;
    }
  }
  return { chunks: manifest.chunks.size, bytes, damaged: [...namesOf(manifest, damaged)] };
}

const ONE_BY_ONE = 256;

async function bytesOf(
  blobs: BlobStore,
  id: ChunkId,
  {
    options,
    damaged,
  }: { readonly options: Parameters<typeof readChunks>[2]; readonly damaged: Set<ChunkId> },
): Promise<number> {
  try {
    for await (const { bytes } of readChunks(blobs, [id], options)) return bytes.length;
  } catch (failure) {
    if (!(failure instanceof SnapshotError) || failure.code !== 'damaged') throw failure;
    damaged.add(id);
  }
  return 0;
}

function* namesOf({ entries, records }: Manifest, damaged: ReadonlySet<ChunkId>): Generator<string> {
  for (const entry of entries)
    if (entry.kind === 'file' && entry.chunks.some((id) => damaged.has(id))) yield entry.path;
  for (const { name, chunks } of records) if (chunks.some((id) => damaged.has(id))) yield `record ${name}`;
}
