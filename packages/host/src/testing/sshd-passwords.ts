import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HostError } from '../host-error.ts';

/** A program and its arguments, before those of sshd itself. */
export type Launch = readonly [string, ...string[]];

/**
 * Lets a server ask PAM for one password that only it knows: its processes see a `/etc/pam.d` of their own, in a mount namespace of their own.
 * Nothing of the machine's accounts is read or changed.
 *
 * @throws {HostError} `unsupported` where this user cannot have such a namespace, or there is no PAM.
 */
export async function launchWithPassword(folder: string, sshd: string, password: string): Promise<Launch> {
  const pam = join(folder, 'pam.d');
  const check = join(folder, 'check-password');
  await mkdir(pam);
  await plantPassword(folder, password);
  await writeFile(
    check,
    `#!/bin/sh\n[ "$(tr -d '\\000'; echo .)" = "$(cat '${join(folder, 'password')}'; echo .)" ]\n`,
    { mode: 0o700 },
  );
  const rules = [
    `auth required pam_exec.so quiet expose_authtok ${check}`,
    'account required pam_permit.so',
    'password required pam_deny.so',
    'session required pam_permit.so',
  ];
  await writeFile(join(pam, 'sshd'), `${rules.join('\n')}\n`);
  const inside = 'mount --bind "$1" /etc/pam.d && shift && exec "$@"';
  const launch: Launch = ['unshare', '--mount', '--', 'sh', '-c', inside, 'sh', pam];
  try {
    await promisify(execFile)(launch[0], [...launch.slice(1), 'true']);
  } catch (cause) {
    throw new HostError(
      'unsupported',
      'A test server with a password needs root, unshare of util-linux and PAM, which are not all here.',
      { cause },
    );
  }
  return [...launch, sshd];
}

export async function plantPassword(folder: string, password: string): Promise<void> {
  await writeFile(join(folder, 'password'), password, { mode: 0o600 });
}
