import type { BlobStore } from '@seedbed/blob-store';
import type { SnapshotRow } from '../task-head.ts';
import type { Manifest } from './manifest.ts';
import { loadManifest } from './stored-manifest.ts';

/** How many entries of folders are remembered, in all manifests together: some 200 bytes each. */
const MAX_ENTRIES = 100_000;

interface Wanted {
  readonly row: SnapshotRow;
  readonly signal?: AbortSignal;
}

/** The manifests that were used last, so that a save does not have to fetch the one before it. */
export interface ManifestMemory {
  load(task: string, wanted: Wanted): Promise<Manifest>;
  /** From the store in any case. */
  loadAnew(task: string, wanted: Wanted): Promise<Manifest>;
  keep(row: SnapshotRow, manifest: Manifest): void;
  forget(task: string): void;
}

export function createManifestMemory(blobs: BlobStore): ManifestMemory {
  /** The one that was used last is the last. */
  const kept = new Map<
    string,
    { readonly saveId: string; readonly blob: string; readonly manifest: Manifest }
  >();

  function keep(row: SnapshotRow, manifest: Manifest): void {
    kept.delete(manifest.task);
    kept.set(manifest.task, { saveId: row.saveId, blob: row.manifest, manifest });
    let entries = 0;
    for (const [task, { manifest: each }] of [...kept].reverse()) {
      entries += each.entries.length + 1;
      if (entries > MAX_ENTRIES && task !== manifest.task) kept.delete(task);
    }
  }

  return {
    keep,
    loadAnew: (task, wanted) => loadManifest(blobs, task, wanted),
    async load(task, wanted) {
      const known = kept.get(task);
      if (known?.saveId === wanted.row.saveId && known.blob === wanted.row.manifest) return known.manifest;
      const manifest = await loadManifest(blobs, task, wanted);
      keep(wanted.row, manifest);
      return manifest;
    },
    forget: (task) => void kept.delete(task),
  };
}
