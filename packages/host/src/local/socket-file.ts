import { chmod, link, lstat, mkdtemp, rename, rm, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath, joinHostPath, parentHostPath } from '../host-path.ts';
import { checkSocketPath } from '../listen-place.ts';
import { errnoOf, fileFailure } from './file-failure.ts';

/** macOS has room for less than Linux. */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

/**
 * Has `bind` make a socket, and puts it at `path` for this user alone. It is made in a folder that nobody else can enter: at `path` itself there would be
 * a moment in which the umask decides who may connect. Gives the function that removes it, if it is still the same one.
 *
 * @throws {HostError} `already-exists` when something is there that is no dead socket.
 */
export async function plantSocket(
  path: HostPath,
  bind: (boundPath: HostPath) => Promise<void>,
): Promise<() => Promise<void>> {
  const attempt = `listen on ${path}`;
  checkSocketPath(path, MAX_PATH_BYTES);
  try {
    const folder = hostPath(await mkdtemp(joinHostPath(parentHostPath(path), '.s')));
    try {
      const bound = joinHostPath(folder, 's');
      checkSocketPath(bound, MAX_PATH_BYTES);
      await bind(bound);
      await chmod(bound, 0o600);
      const own = await identityOf(bound);
      await publish(bound, path);
      return async () => {
        if (own !== undefined && (await identityOf(path)) === own) await unlink(path).catch(() => undefined);
      };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  } catch (failure) {
    throw fileFailure(attempt, failure);
  }
}

async function publish(bound: HostPath, path: HostPath): Promise<void> {
  try {
    await link(bound, path);
  } catch (failure) {
    if (errnoOf(failure) !== 'EEXIST') throw failure;
    const found = await identityOf(path);
    const isDead = found !== undefined && (await isDeadSocket(path));
    if (!isDead || (await identityOf(path)) !== found) {
      throw new HostError('already-exists', `Could not listen on ${path}: it is taken.`, { cause: failure });
    }
    await rename(bound, path);
  }
}

/** A socket's device, inode and time, as an inode's number is soon used again. `undefined` for anything else. */
async function identityOf(path: HostPath): Promise<string | undefined> {
  const found = await lstat(path, { bigint: true }).catch(() => undefined);
  return found?.isSocket() ? `${found.dev}:${found.ino}:${found.mtimeNs}` : undefined;
}

async function isDeadSocket(path: HostPath): Promise<boolean> {
  const socket = connect({ path });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(false));
  socket.once('error', (failure) => resolve(errnoOf(failure) === 'ECONNREFUSED'));
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}
