import {
  chmod,
  link,
  lstat,
  lutimes,
  mkdir,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath } from '../host-path.ts';
import { errnoOf, orFileFailure } from './file-failure.ts';
import { fromNodePath, nodePath } from './node-path.ts';
import { removeTree } from './remove-tree.ts';

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
