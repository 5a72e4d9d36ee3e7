import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { BootstrapError } from '@seedbed/bootstrap/bootstrap-error';

const NAME = 'seedbed-tests';
const HOME = '/home/seedbed-tests';
/** Root's own folder for what a run needs: nothing in it can be swapped for a link by the user, unlike in the user's home. */
export const STATE = '/var/lib/seedbed-tests';
const CREATE =
  'id -u "$1" >/dev/null 2>&1 || exec useradd --create-home --home-dir "$2" --shell /bin/sh "$1"';

/**
 * @typedef {{ name: string, home: string, uid: number, gid: number }} TestUser
 */

/**
 * The user that tests run as; created without a password when it is missing; it has a shell, because sshd gives none to others. Needs root.
 *
 * @returns {TestUser}
 */
export function testUser() {
  let ids = lookUp();
  if (ids === undefined) {
    for (const folder of ['/home', STATE]) mkdirSync(folder, { recursive: true });
    // One at a time: a second useradd that had looked before the first was done would give the user another id.
    const made = spawnSync('flock', [join(STATE, 'user.lock'), 'sh', '-c', CREATE, 'sh', NAME, HOME], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
    ids = lookUp();
    if (ids === undefined) {
      const why = made.error?.message ?? made.stderr.trim();
      throw new BootstrapError(
        `The tests need an ordinary user, and creating "${NAME}" with useradd failed: ${why}. Install Debian's packages passwd and util-linux, or run the tests as a user other than root.`,
      );
    }
  }
  return { name: NAME, home: HOME, ...ids };
}

function lookUp() {
  const id = (/** @type {string} */ flag) =>
    Number(execFileSync('id', [flag, NAME], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  try {
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    // id(1) fails for a name that nobody has.
    return undefined;
  }
}

/**
 * The start of a command line that gives up root for this user: no capabilities, the user's own groups, and an end when we end.
 *
 * @param {TestUser} user
 */
export function asUser({ uid, gid }) {
  return [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--init-groups',
    '--inh-caps=-all',
    '--pdeathsig=TERM',
    '--',
  ];
}
