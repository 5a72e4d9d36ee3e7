import { randomUUID } from 'node:crypto';
import { chmod, lstat, rename, rm } from 'node:fs/promises';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import { encodeHostPathBytes } from '../host-path-bytes.ts';
import { errnoOf } from './file-failure.ts';
import { listLocalDirectory } from './list-directory.ts';
import { nodePath } from './node-path.ts';

/** Linux's PATH_MAX without the NUL; no other system takes longer paths. */
const MAX_PATH_BYTES = 4_095;

/** Removes whatever a process may have left: also folders that their owner may not change, and trees that are deeper than a path can say. */
export async function removeTree(path: HostPath): Promise<void> {
  for (;;) {
    try {
      return await remove(path);
    } catch (failure) {
      if (errnoOf(failure) !== 'ENAMETOOLONG' || !(await lift(path, path))) throw failure;
    }
  }
}

async function remove(path: HostPath): Promise<void> {
  const options = { recursive: true, force: true, maxRetries: 3 };
  try {
    await rm(nodePath(path), options);
  } catch (failure) {
    if (errnoOf(failure) !== 'EACCES') throw failure;
    await openFolders(path);
    await rm(nodePath(path), options);
  }
}

/**
 * Lets the owner change the folders of a tree: some tools (Go's module cache) write-protect theirs. Links are not followed.
 * What is gone meanwhile is no failure: the removal that was refused goes on beside this.
 */
async function openFolders(path: HostPath): Promise<void> {
  await ifThere(async () => {
    const found = await lstat(nodePath(path));
    if (!found.isDirectory()) return;
    if ((found.mode & 0o700) !== 0o700) await chmod(nodePath(path), found.mode | 0o700);
    for await (const entry of listLocalDirectory(path)) {
      if (entry.kind === 'directory') await openFolders(joinHostPath(path, entry.name));
    }
  });
}

/** Moves the folders from half as deep as a path can say up to the root of the tree. Gives whether there were any. */
async function lift(root: HostPath, folder: HostPath): Promise<boolean> {
  const halfway = (byteLength(root) + MAX_PATH_BYTES) / 2;
  let lifted = false;
  await ifThere(async () => {
    for await (const entry of listLocalDirectory(folder)) {
      if (entry.kind !== 'directory') continue;
      const path = joinHostPath(folder, entry.name);
      if (byteLength(path) <= halfway) {
        lifted = (await lift(root, path)) || lifted;
      } else {
        await rename(nodePath(path), nodePath(joinHostPath(root, `.seedbed-${randomUUID()}.tmp`)));
        lifted = true;
      }
    }
  });
  return lifted;
}

function byteLength(path: HostPath): number {
  return encodeHostPathBytes(path).length;
}

async function ifThere(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (failure) {
    const isGone =
      errnoOf(failure) === 'ENOENT' || (failure instanceof HostError && failure.code === 'not-found');
    if (!isGone) throw failure;
  }
}
