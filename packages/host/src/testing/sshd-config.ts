import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** The files of a test server, all in one folder. */
export interface SshdFiles {
  readonly config: string;
  readonly hostKey: string;
  readonly userKey: string;
  readonly authorizedKeys: string;
}

/** Writes the configuration of a server that lets in whoever has the user key, and the keys. */
export async function plantSshdFiles(
  folder: string,
  { extra, password }: { readonly extra: readonly string[]; readonly password: boolean },
): Promise<SshdFiles> {
  const files = {
    config: join(folder, 'sshd_config'),
    hostKey: join(folder, 'host-key'),
    userKey: join(folder, 'user-key'),
    authorizedKeys: join(folder, 'authorized-keys'),
  };
  await makeKey(files.hostKey);
  await makeKey(files.userKey);
  await copyFile(`${files.userKey}.pub`, files.authorizedKeys);
  await chmod(files.authorizedKeys, 0o600);
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const lines = [
    ...extra,
    `HostKey ${files.hostKey}`,
    `AuthorizedKeysFile ${files.authorizedKeys}`,
    'StrictModes no',
    `UsePAM ${password ? 'yes' : 'no'}`,
    'PermitRootLogin yes',
    `PasswordAuthentication ${password ? 'yes' : 'no'}`,
    `KbdInteractiveAuthentication ${password ? 'yes' : 'no'}`,
    'AllowTcpForwarding yes',
    'AllowStreamLocalForwarding yes',
    'PermitUserRC no',
    'PrintMotd no',
    'PidFile none',
    // At this depth bash does not read the start files of the user, which are nothing of the test's and may take long.
    'SetEnv SHLVL=1',
  ];
  await writeFile(files.config, `${lines.join('\n')}\n`);
  return files;
}

async function makeKey(file: string): Promise<void> {
  await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', file]);
}

/** Puts another key in the place of the server's, at once for every connection that begins from now on. */
export async function replaceHostKey({ hostKey }: SshdFiles): Promise<void> {
  const fresh = `${hostKey}.new`;
  await makeKey(fresh);
  await rename(`${fresh}.pub`, `${hostKey}.pub`);
  await rename(fresh, hostKey);
}

/** Type and base64 of the server's key. */
export async function readHostPublicKey({ hostKey }: SshdFiles): Promise<string> {
  return (await readFile(`${hostKey}.pub`, 'utf8')).split(' ').slice(0, 2).join(' ');
}
