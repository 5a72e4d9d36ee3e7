import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createMemoryBlobStore, type MemoryBlobStore } from '@seedbed/blob-store/testing';
import { type HostPath, hostPath } from '@seedbed/host';
import { createSnapshots, type SnapshotIndex, type Snapshots } from '../src/index.ts';
import { createMemorySnapshotIndex } from '../src/testing/index.ts';
import { temporaryFolder } from './disk-tree.ts';

/** A folder `work` on this machine, and a store in memory. */
export interface Ground extends AsyncDisposable {
  /** The folder that holds `work`. */
  readonly path: string;
  readonly work: HostPath;
  readonly index: SnapshotIndex;
  readonly blobs: MemoryBlobStore;
  readonly snapshots: Snapshots;
  /** Another program's view of the same store: it remembers nothing. */
  anew(): Snapshots;
}

export async function openGround(): Promise<Ground> {
  const folder = await temporaryFolder();
  const work = join(folder.path, 'work');
  await mkdir(work);
  const index = createMemorySnapshotIndex();
  const blobs = createMemoryBlobStore();
  const anew = (): Snapshots => createSnapshots({ index, blobs, encryption: 'plaintext' });
  return {
    path: folder.path,
    work: hostPath(work),
    index,
    blobs,
    snapshots: anew(),
    anew,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
