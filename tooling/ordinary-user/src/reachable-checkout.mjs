import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { asUser, STATE } from './test-user.mjs';

/** @typedef {{ from: string, to: string }} Bind a folder, and where the user sees it */

/**
 * What the user cannot get at where it lies (a checkout below a folder that only root may enter, a Node in root's home),
 * and the place where a bind mount will show it.
 *
 * @param {import('./test-user.mjs').TestUser} user
 * @param {string} root the checkout
 * @returns {Bind[]}
 */
export function neededBinds(user, root) {
  const binds = [];
  if (!canRead(user, join(root, 'package.json'))) binds.push({ from: root, to: join(STATE, 'checkout') });
  const nodePrefix = dirname(dirname(process.execPath));
  const nodeIsInside = isInside(root, process.execPath);
  if (!nodeIsInside && !canRead(user, process.execPath)) {
    binds.push({ from: nodePrefix, to: join(STATE, 'node') });
  }
  for (const { to } of binds) mkdirSync(to, { recursive: true });
  return binds;
}

/**
 * The path under which the user sees this one.
 *
 * @param {readonly Bind[]} binds
 * @param {string} path
 */
export function seenAt(binds, path) {
  const bind = binds.find(({ from }) => isInside(from, path));
  return bind === undefined ? path : join(bind.to, relative(bind.from, path));
}

/**
 * The start of a command line that mounts them where no other process sees it, and goes on with what follows.
 *
 * @param {readonly Bind[]} binds
 * @returns {string[]}
 */
export function withBinds(binds) {
  if (binds.length === 0) return [];
  const mounts = binds.map((_, index) => `mount --bind "$${2 * index + 1}" "$${2 * index + 2}"`);
  const script = `${mounts.join(' && ')} && shift ${2 * binds.length} && exec "$@"`;
  const places = binds.flatMap(({ from, to }) => [from, to]);
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...places];
}

/**
 * @param {import('./test-user.mjs').TestUser} user
 * @param {string} file
 */
function canRead(user, file) {
  const [program = '', ...args] = [...asUser(user), 'test', '-r', file];
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/**
 * @param {string} folder
 * @param {string} path
 */
function isInside(folder, path) {
  return path === folder || path.startsWith(`${folder}/`);
}
