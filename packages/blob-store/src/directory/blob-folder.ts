import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BlobId } from '../blob-store.ts';
import { BlobStoreError } from '../blob-store-error.ts';

/** Where things lie: `blobs/3f/3f0c…` what is there, `incoming` what is being put. */
export interface BlobFolder {
  readonly incoming: string;
  fileOf(id: BlobId): string;
  /** Makes the folder in which a blob's file is to be, and brings it to the disk. */
  prepare(id: BlobId): Promise<void>;
  /** The ids that the names of files say. */
  ids(): AsyncIterable<BlobId>;
}

const ID = /^[0-9a-f]{32}$/;
const GROUP = /^[0-9a-f]{2}$/;

/** Makes `folder` with what belongs in it, for its owner alone. Folders that are there keep their modes. */
export async function openBlobFolder(folder: string): Promise<BlobFolder> {
  const [blobs, incoming] = [join(folder, 'blobs'), join(folder, 'incoming')];
  for (const each of [blobs, incoming]) await makeFolders(each);
  const onDisk = new Set<string>();
  const groupOf = (id: BlobId): string => join(blobs, id.slice(0, 2));
  return {
    incoming,
    fileOf: (id) => join(groupOf(id), id),
    async prepare(id) {
      const group = groupOf(id);
      if (onDisk.has(group)) return;
      await mkdir(group, { recursive: true, mode: 0o700 });
      // Also where it was there: another program may have made it a moment ago, and not have come as far as this.
      await syncFolder(blobs);
      onDisk.add(group);
    },
    async *ids() {
      for (const group of await readdir(blobs)) {
        if (!GROUP.test(group)) continue;
        for (const name of await readdir(join(blobs, group))) {
          if (isBlobId(name) && name.startsWith(group)) yield name;
        }
      }
    },
  };
}

async function makeFolders(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  for (let holder = dirname(path); holder.length >= dirname(first).length; holder = dirname(holder)) {
    await syncFolder(holder);
    if (holder === dirname(holder)) return;
  }
}

/** Brings to the disk which files a folder has. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isBlobId(text: string): text is BlobId {
  return ID.test(text);
}

/** @throws {BlobStoreError} `invalid-id`. */
export function checkBlobId(id: BlobId): void {
  if (!isBlobId(id)) {
    throw new BlobStoreError(
      'invalid-id',
      `No blob in a folder is called ${JSON.stringify(id)}: its name has 32 hexadecimal digits.`,
    );
  }
}
