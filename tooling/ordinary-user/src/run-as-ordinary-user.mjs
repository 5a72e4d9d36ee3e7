import { chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BootstrapError } from '@seedbed/bootstrap/bootstrap-error';
import { handOver } from '@seedbed/bootstrap/hand-over';
import { findOnPath, npmClient } from '@seedbed/bootstrap/npm-client';
import { neededBinds, seenAt, withBinds } from './reachable-checkout.mjs';
import { asUser, STATE, testUser } from './test-user.mjs';
import { userEnvironment } from './user-environment.mjs';

const ROOT = resolve(import.meta.dirname, '../../..');

/**
 * Runs a command in `cwd`, a folder of the checkout, as the tests' user, and copies the reports that it wrote back into that folder.
 * The user can read the checkout and write to nothing in it.
 *
 * @param {readonly string[]} command
 * @param {{ cwd: string }} options
 * @returns {Promise<import('@seedbed/bootstrap/hand-over').Ending>}
 */
export async function runAsOrdinaryUser(command, { cwd }) {
  if (findOnPath('setpriv', process.env['PATH'] ?? '') === undefined) {
    throw new BootstrapError('setpriv is not on PATH. Install util-linux, or run as a user other than root.');
  }
  const registry = await npmClient(ROOT).registrySettings('npm_config_');
  const user = testUser();
  mkdirSync(STATE, { recursive: true });
  const writable = mkdtempSync(join(STATE, 'run-'));
  try {
    chownSync(writable, user.uid, user.gid);
    const binds = neededBinds(user, ROOT);
    const seen = (/** @type {string} */ path) => seenAt(binds, path);
    const firstOnPath = dirname(process.execPath);
    const env = userEnvironment(process.env, { user, registry, writable, seen, firstOnPath });
    // The folder is entered as the user, who may not be able to enter it where root sees it.
    const enter = ['sh', '-c', 'cd "$1" && shift && exec "$@"', 'sh', seen(cwd)];
    const [program = '', ...args] = [...withBinds(binds), ...asUser(user), ...enter, ...command];
    const ending = await handOver(program, args, { cwd: '/', env });
    copyReport(join(writable, 'reports/tests.json'), join(cwd, '.reports/tests.json'));
    return ending;
  } finally {
    // What the command has left behind may still write there while it dies.
    try {
      rmSync(writable, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    } catch (error) {
      console.error(`${writable} could not be removed: ${error}`);
    }
  }
}

/**
 * The user wrote it and root reads it, so a link is not followed to what only root may read.
 *
 * @param {string} from
 * @param {string} to
 */
function copyReport(from, to) {
  if (!existsSync(from) || realpathSync(from) !== from) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
