import { lstat, readlink, realpath } from 'node:fs/promises';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPath, relativeHostPath } from '../host-path.ts';
import { errnoOf, fileFailure } from './file-failure.ts';
import { fromNodePath, nodePath } from './node-path.ts';

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/** See `Host.canonicalize`. */
export async function canonicalLocalPath(path: HostPath, within: HostPath | undefined): Promise<HostPath> {
  const attempt = `find out where ${path} leads`;
  try {
    const real = await resolve(path);
    if (within === undefined) return real;
    const root = await resolve(within);
    if (relativeHostPath(root, real) !== undefined) return real;
    throw new HostError('outside-root', `${path} leads to ${real}, which is outside of ${root}.`);
  } catch (failure) {
    throw fileFailure(attempt, failure);
  }
}

async function resolve(path: HostPath): Promise<HostPath> {
  try {
    return hostPath(fromNodePath(await realpath(nodePath(path), 'buffer')));
  } catch (failure) {
    if (errnoOf(failure) !== 'ENOENT') throw failure;
    return await resolveToMissing(path);
  }
}

/** Follows the path segment by segment, for one whose last segment, or the end of a dangling link, does not exist. */
async function resolveToMissing(path: HostPath): Promise<HostPath> {
  let pending = path.split('/').filter((segment) => segment !== '');
  let real: string[] = [];
  let links = 0;
  while (pending.length > 0) {
    const [segment = '', ...rest] = pending;
    pending = rest;
    if (segment === '.' || segment === '') continue;
    if (segment === '..') {
      real = real.slice(0, -1);
      continue;
    }
    const here = hostPath(`/${[...real, segment].join('/')}`);
    const target = await linkTarget(here, rest.length === 0);
    if (target === undefined) {
      real = [...real, segment];
      continue;
    }
    links += 1;
    if (links > MAX_LINKS)
      throw new HostError('too-many-links', `${path} passes more than ${MAX_LINKS} links.`);
    if (target.startsWith('/')) real = [];
    pending = [...target.split('/'), ...rest];
  }
  return hostPath(`/${real.join('/')}`);
}

async function linkTarget(path: HostPath, mayBeMissing: boolean): Promise<string | undefined> {
  try {
    if (!(await lstat(nodePath(path))).isSymbolicLink()) return undefined;
    return fromNodePath(await readlink(nodePath(path), 'buffer'));
  } catch (failure) {
    if (mayBeMissing && errnoOf(failure) === 'ENOENT') return undefined;
    throw failure;
  }
}
