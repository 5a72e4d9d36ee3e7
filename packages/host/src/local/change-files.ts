import {
  chmod,
  link,
  lstat,
  lutimes,
  mkdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath, joinHostPath } from '../host-path.ts';
import { errnoOf, orFileFailure } from './file-failure.ts';
import { listLocalDirectory } from './list-directory.ts';
import { fromNodePath, nodePath } from './node-path.ts';

/** See `Host.makeDirectory`. */
export async function makeLocalDirectory(path: HostPath, mode: number | undefined): Promise<void> {
  await orFileFailure(`create the folder ${path}`, async () => {
    const first = await mkdir(nodePath(path), { recursive: true });
    // The mode given to mkdir would pass through the umask and apply to every parent.
    if (first !== undefined && mode !== undefined) await chmod(nodePath(path), mode);
  });
}

/** See `Host.remove`. */
export async function removeLocal(path: HostPath, recursive: boolean): Promise<void> {
  await orFileFailure(`remove ${path}`, async () => {
    if (path === '/') throw new HostError('permission-denied', 'The root of a host is never removed.');
    if (recursive) {
      await removeTree(path);
      return;
    }
    try {
      const found = await lstat(nodePath(path));
      await (found.isDirectory() ? rmdir : unlink)(nodePath(path));
    } catch (failure) {
      if (errnoOf(failure) !== 'ENOENT') throw failure;
    }
  });
}

async function removeTree(path: HostPath): Promise<void> {
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
  try {
    const found = await lstat(nodePath(path));
    if (!found.isDirectory()) return;
    if ((found.mode & 0o700) !== 0o700) await chmod(nodePath(path), found.mode | 0o700);
    for await (const entry of listLocalDirectory(path)) {
      if (entry.kind === 'directory') await openFolders(joinHostPath(path, entry.name));
    }
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT' || (failure instanceof HostError && failure.code === 'not-found'))
      return;
    throw failure;
  }
}

/** See `Host.rename`. */
export async function renameLocal(from: HostPath, to: HostPath): Promise<void> {
  await orFileFailure(`rename ${from} to ${to}`, () => rename(nodePath(from), nodePath(to)));
}

/** See `Host.link`. */
export async function linkLocal(path: HostPath, target: string, hard: boolean): Promise<void> {
  await orFileFailure(`link ${path} to ${target}`, () =>
    hard ? link(nodePath(hostPath(target)), nodePath(path)) : symlink(nodePath(target), nodePath(path)),
  );
}

/** See `Host.readLink`. */
export async function readLocalLink(path: HostPath): Promise<string> {
  return await orFileFailure(`read the link ${path}`, async () =>
    fromNodePath(await readlink(nodePath(path), 'buffer')),
  );
}

/** See `Host.setMode`. */
export async function setLocalMode(path: HostPath, mode: number): Promise<void> {
  await orFileFailure(`change the mode of ${path}`, () => chmod(nodePath(path), mode));
}

/** See `Host.setModified`. */
export async function setLocalModified(path: HostPath, modifiedMs: number): Promise<void> {
  const seconds = modifiedMs / 1_000;
  await orFileFailure(`set the time of ${path}`, () => lutimes(nodePath(path), seconds, seconds));
}
