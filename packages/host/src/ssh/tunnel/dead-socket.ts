import { HostError } from '../../host-error.ts';
import { type HostPath, hostPathName, parentHostPath } from '../../host-path.ts';
import { shellWord } from '../../shell-quoting.ts';
import type { Connection } from '../connection/connection.ts';
import { scriptOutput } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { connectRemotely } from './connect.ts';

/** What tells a socket from one that takes its place later. Not the inode alone: its number is soon used again. */
export type SocketIdentity = string;

const IDENTITY = `stat -c '%d:%i %y'`;

/** Makes a socket its user's alone, whatever sshd's `StreamLocalBindMask` is. */
export async function claimRemoteSocket(link: SshLink, path: HostPath): Promise<SocketIdentity> {
  const file = shellWord(path);
  const attempt = `listen on ${path}`;
  const script = `chmod 600 ${file} && ${IDENTITY} ${file}`;
  return (await scriptOutput(link, script, { attempt, repeatable: true })).toString().trim();
}

/** Removes a socket, if it is still this one. */
export async function removeRemoteSocket(
  link: SshLink,
  path: HostPath,
  identity: SocketIdentity,
): Promise<void> {
  const file = shellWord(path);
  const script = `[ "$(${IDENTITY} ${file} 2>/dev/null)" != ${shellWord(identity)} ] || rm -f ${file}`;
  await scriptOutput(link, script, { attempt: `remove ${path}`, repeatable: true });
}

/**
 * Why sshd could not listen at a path. Resolves when a dead socket was in the way, and has been removed: one of this user's, under whose name nobody listens,
 * and which refuses a connection.
 *
 * @throws {HostError} `already-exists`, `not-found`, `not-a-directory`, `permission-denied`.
 */
export async function clearRemotePlace(link: SshLink, connection: Connection, path: HostPath): Promise<void> {
  const attempt = `listen on ${path}`;
  const output = await scriptOutput(link, lookScript(path), { attempt, repeatable: true });
  const [verdict = '', identity = ''] = output.toString().trim().split('\n');
  if (verdict === 'silent' && (await refuses(connection, path, link.answerWithinMs))) {
    await removeRemoteSocket(link, path, identity);
    return;
  }
  throw refusal(path, verdict);
}

function lookScript(path: HostPath): string {
  const [file, folder, name] = [path, parentHostPath(path), hostPathName(path)].map(shellWord);
  return [
    `if [ -e ${file} ] || [ -L ${file} ]; then`,
    `  if [ -L ${file} ] || [ ! -S ${file} ] || [ ! -O ${file} ]; then echo taken; exit; fi`,
    `  [ -r /proc/net/unix ] || { echo taken; exit; }`,
    // A socket that takes connections has the flag __SO_ACCEPTCON; its name stands there as it was given to bind(2).
    `  while read -r _ _ _ flags _ _ _ bound; do`,
    `    case $flags in 00010000) case $bound in ${file}|${name}|*/${name}) echo taken; exit ;; esac ;; esac`,
    `  done </proc/net/unix`,
    `  echo silent; ${IDENTITY} ${file}`,
    `elif [ ! -e ${folder} ]; then echo missing`,
    `elif [ ! -d ${folder} ]; then echo file`,
    `elif [ ! -w ${folder} ] || [ ! -x ${folder} ]; then echo closed`,
    `else echo refused; fi`,
  ].join('\n');
}

async function refuses(connection: Connection, path: HostPath, withinMs: number): Promise<boolean> {
  try {
    await using _ = await connectRemotely(connection, { socket: path }, { signal: undefined, withinMs });
    return false;
  } catch (failure) {
    if (failure instanceof HostError && failure.code === 'not-found') return true;
    throw failure;
  }
}

function refusal(path: HostPath, verdict: string): HostError {
  const attempt = `Could not listen on ${path}`;
  switch (verdict) {
    case 'missing':
      return new HostError('not-found', `${attempt}: its folder is not there.`);
    case 'file':
      return new HostError('not-a-directory', `${attempt}: what should be its folder is none.`);
    case 'closed':
      return new HostError('permission-denied', `${attempt}: the user may not create files in its folder.`);
    case 'refused':
      return new HostError(
        'permission-denied',
        `${attempt}: its sshd does not allow it. See AllowStreamLocalForwarding, AllowTcpForwarding and DisableForwarding, and the key's options.`,
      );
    default:
      return new HostError('already-exists', `${attempt}: it is taken.`);
  }
}
