import type { BlobStore } from '@seedbed/blob-store';
import { readChunks } from './content/chunk-reader.ts';
import type { ChunkId, Manifest } from './manifest/manifest.ts';
import { SnapshotError } from './snapshot-error.ts';
import type { SnapshotIndex } from './snapshot-index.ts';
import type { SnapshotRef } from './snapshots.ts';
import type { SnapshotRow } from './task-head.ts';
import { rowOf } from './with-row.ts';

export interface OpenedSnapshot {
  readonly row: SnapshotRow;
  readonly manifest: Manifest;
}

/**
 * The bytes of a record, each checked before it is given. Whoever reads slowly may find that the snapshot was sealed anew: then it goes on in the new blobs.
 * @throws {SnapshotError} `not-found` when there is no such record or the snapshot went meanwhile, `damaged`, `wrong-key`, `store-failed`, `aborted`.
 */
export function recordBytes(
  { blobs, index }: { readonly blobs: BlobStore; readonly index: SnapshotIndex },
  opened: OpenedSnapshot,
  {
    name,
    reopen,
    signal,
  }: {
    readonly name: string;
    readonly reopen: (ref: SnapshotRef) => Promise<OpenedSnapshot>;
    readonly signal?: AbortSignal;
  },
): AsyncGenerator<Uint8Array, void, undefined> {
  const ref = { task: opened.manifest.task, number: opened.row.number };
  const what = `snapshot ${ref.number} of ${JSON.stringify(ref.task)}`;
  const record = opened.manifest.records.find((each) => each.name === name);
  if (record === undefined) throw new SnapshotError('not-found', `There is no record ${name} in ${what}.`);
  const { chunks } = record;
  const read = ({ manifest }: OpenedSnapshot, ids: readonly ChunkId[]) =>
    readChunks(blobs, ids, { places: manifest.chunks, what, ...(signal && { signal }) });

  return (async function* () {
    let now = opened;
    for (let given = 0; ; ) {
      try {
        for await (const { bytes } of read(now, chunks.slice(given))) {
          given += 1;
          yield bytes;
        }
        return;
      } catch (failure) {
        if (!(failure instanceof SnapshotError) || failure.code !== 'damaged') throw failure;
        const { manifest } = await rowOf(index, ref, { signal });
        if (manifest === now.row.manifest) throw failure;
        now = await reopen(ref);
      }
    }
  })();
}
