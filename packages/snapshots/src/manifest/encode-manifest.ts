import type { BlobId } from '@seedbed/blob-store';
import type { ChunkId, Manifest, SnapshotEntry } from './manifest.ts';

export const MANIFEST_FORMAT = 'seedbed-snapshot';
export const MANIFEST_VERSION = 1;

/** So many of what was left out are in the first line; an agent can make any number of files that are left out, and a line has a bound. */
const LEFT_OUT_AT_FIRST = 1_000;

const BATCH_CHARACTERS = 64 * 1024;

/**
 * A manifest as lines of JSON: what it is, its packs, chunks, entries and records, and at the end how many lines there were, so that a part is never taken for the whole.
 */
export function* encodeManifest(manifest: Manifest): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let batch = '';
  for (const line of lines(manifest)) {
    batch += `${JSON.stringify(line)}\n`;
    if (batch.length < BATCH_CHARACTERS) continue;
    yield encoder.encode(batch);
    batch = '';
  }
  yield encoder.encode(batch);
}

function* lines(manifest: Manifest): Generator<unknown> {
  const { entries, records, chunks, leftOut, ...facts } = manifest;
  const packs = new Map<BlobId, number>();
  let count = 1;
  yield {
    ...{ format: MANIFEST_FORMAT, version: MANIFEST_VERSION },
    ...{ ...facts, leftOut: leftOut.slice(0, LEFT_OUT_AT_FIRST) },
  };
  for (const { path, reason } of leftOut.slice(LEFT_OUT_AT_FIRST)) {
    count += 1;
    yield ['o', path, reason];
  }
  for (const { pack } of chunks.places()) {
    if (packs.has(pack)) continue;
    packs.set(pack, packs.size);
    count += 1;
    yield ['p', pack];
  }
  for (const [id, { pack, offset, storedBytes, bytes, codec }] of chunks) {
    count += 1;
    yield ['c', id, packs.get(pack), offset, storedBytes, bytes, codec === 'zstd' ? 1 : 0];
  }
  const numbered = (ids: readonly ChunkId[]): readonly (number | undefined)[] =>
    ids.map((id) => chunks.positionOf(id));
  for (const entry of entries) {
    count += 1;
    yield entryLine(entry, numbered);
  }
  for (const { name, size, chunks: ids } of records) {
    count += 1;
    yield ['r', name, size, numbered(ids)];
  }
  yield ['end', count];
}

function entryLine(
  entry: SnapshotEntry,
  numbered: (ids: readonly ChunkId[]) => readonly (number | undefined)[],
): readonly unknown[] {
  switch (entry.kind) {
    case 'directory':
      return ['d', entry.path, entry.mode, entry.modifiedMs];
    case 'symlink':
      return ['l', entry.path, entry.modifiedMs, entry.target];
    case 'hard-link':
      return ['h', entry.path, entry.target];
    case 'file': {
      const { path, mode, modifiedMs, size, chunks, digest, identity, changedMs } = entry;
      const rest = [entry.wholeChunksDigest ?? null, entry.unstable === true ? 1 : 0];
      return ['f', path, mode, modifiedMs, size, numbered(chunks), digest, identity, changedMs, ...rest];
    }
  }
}
