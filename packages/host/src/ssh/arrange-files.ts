import type { DirEntry, FileKind, FileStat } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { hostPath, relativeHostPath } from '../host-path.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import { shellWord } from '../shell-quoting.ts';
import { scriptOutput, scriptResult } from './script-output.ts';
import { shellFailure } from './shell-failure.ts';
import type { SshLink } from './ssh-link.ts';
import { modeDigits } from './write-file.ts';

/** See `Host.stat`. */
export async function statRemoteFile(
  link: SshLink,
  path: HostPath,
  followLinks: boolean,
): Promise<FileStat | undefined> {
  const attempt = `look at ${path}`;
  // %y has the fractions of a second in GNU and in BusyBox, %Y in neither.
  const script = `stat ${followLinks ? '-L ' : ''}-c '%f %s %d:%i %u %Y %y' ${shellWord(path)}`;
  const { stdout, code, stderr } = await scriptResult(link, script, { attempt, repeatable: true });
  if (code === 0) return parseStat(stdout.toString('latin1'));
  const failure = shellFailure(attempt, stderr);
  if (failure.code === 'not-found' || failure.code === 'not-a-directory') return undefined;
  throw failure;
}

function parseStat(text: string): FileStat {
  const [rawMode = '', size, identity = '', uid, seconds, ...readable] = text.trim().split(' ');
  const mode = Number.parseInt(rawMode, 16);
  const fraction = /:\d\d(\.\d+)/.exec(readable.join(' '))?.[1] ?? '0';
  return {
    kind: fileKind(mode),
    size: Number(size),
    mode: mode & 0o7777,
    modifiedMs: Number(seconds) * 1_000 + Number(fraction) * 1_000,
    identity,
    uid: Number(uid),
  };
}

/** By the type bits of a mode: see inode(7). */
function fileKind(mode: number): FileKind {
  switch (mode & 0o170000) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    default:
      return 'other';
  }
}

const KINDS: Readonly<Record<string, FileKind>> = { f: 'file', d: 'directory', l: 'symlink', o: 'other' };

/** See `Host.list`. The shell itself lists: that is the same everywhere, and starts no program for an entry. */
export async function* listRemoteDirectory(
  link: SshLink,
  path: HostPath,
): AsyncGenerator<DirEntry, void, undefined> {
  const folder = shellWord(path);
  const script = [
    `if [ ! -d ${folder} ]; then ls -d ${folder}/. >/dev/null; exit 1; fi`,
    `cd ${folder} && [ -r . ] || { echo 'Permission denied' >&2; exit 1; }`,
    'for e in .* *; do',
    '  if [ -L "$e" ]; then k=l; elif [ -f "$e" ]; then k=f; elif [ -d "$e" ]; then k=d; elif [ -e "$e" ]; then k=o; else continue; fi',
    `  case "$e" in .|..) ;; *) printf '%s%s\\0' $k "$e";; esac`,
    'done',
  ].join('\n');
  const output = await scriptOutput(link, script, { attempt: `list ${path}`, repeatable: true });
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf(0, at);
    const kind = KINDS[output.toString('latin1', at, at + 1)] ?? 'other';
    yield { name: decodeHostPathBytes(output.subarray(at + 1, end)), kind };
    at = end + 1;
  }
}

/** See `Host.makeDirectory`. */
export async function makeRemoteDirectory(
  link: SshLink,
  path: HostPath,
  mode: number | undefined,
): Promise<void> {
  const folder = shellWord(path);
  const chmod = mode === undefined ? '' : ` && chmod ${modeDigits(mode)} ${folder}`;
  await scriptOutput(link, `[ -d ${folder} ] || { mkdir -p ${folder}${chmod}; }`, {
    attempt: `create the folder ${path}`,
    repeatable: true,
  });
}

/** See `Host.remove`. Folders that their owner may not change are opened first, as Go's module cache has them. */
export async function removeRemote(link: SshLink, path: HostPath, recursive: boolean): Promise<void> {
  if (path === '/') throw new HostError('permission-denied', 'The root of a host is never removed.');
  const file = shellWord(path);
  const script = recursive
    ? `rm -rf ${file} 2>/dev/null || { find ${file} -type d ! -perm -700 -exec chmod u+rwx {} \\; ; rm -rf ${file}; }`
    : `if [ -d ${file} ] && [ ! -L ${file} ]; then rmdir ${file}; else rm -f ${file}; fi`;
  await scriptOutput(link, script, { attempt: `remove ${path}`, slow: recursive });
}

/** See `Host.rename`. */
export async function renameRemote(link: SshLink, from: HostPath, to: HostPath): Promise<void> {
  await scriptOutput(link, `mv -fT ${shellWord(from)} ${shellWord(to)}`, {
    attempt: `rename ${from} to ${to}`,
  });
}

/** See `Host.link`. */
export async function linkRemote(
  link: SshLink,
  path: HostPath,
  { target, hard }: { readonly target: string; readonly hard: boolean },
): Promise<void> {
  const script = hard
    ? `ln -T ${shellWord(hostPath(target))} ${shellWord(path)}`
    : `ln -sT -- ${shellWord(refuseNul(target))} ${shellWord(path)}`;
  await scriptOutput(link, script, { attempt: `link ${path} to ${target}` });
}

function refuseNul(target: string): string {
  if (!target.includes('\0')) return target;
  throw new HostError('invalid-path', `A link cannot hold a NUL byte: ${JSON.stringify(target)}.`);
}

/** See `Host.readLink`. */
export async function readRemoteLink(link: SshLink, path: HostPath): Promise<string> {
  const file = shellWord(path);
  // ls says why there is nothing; readlink is silent.
  const script = `readlink -n ${file} && exit; ls -d ${file} >/dev/null && echo 'it is no link' >&2; exit 1`;
  return decodeHostPathBytes(
    await scriptOutput(link, script, { attempt: `read the link ${path}`, repeatable: true }),
  );
}

/** See `Host.setMode`. */
export async function setRemoteMode(link: SshLink, path: HostPath, mode: number): Promise<void> {
  await scriptOutput(link, `chmod ${modeDigits(mode)} ${shellWord(path)}`, {
    attempt: `change the mode of ${path}`,
    repeatable: true,
  });
}

/** See `Host.setModified`. */
export async function setRemoteModified(link: SshLink, path: HostPath, modifiedMs: number): Promise<void> {
  const micros = Math.round(modifiedMs * 1_000);
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros - seconds * 1_000_000).padStart(6, '0');
  await scriptOutput(link, `touch -chm -d @${seconds}.${fraction} ${shellWord(path)}`, {
    attempt: `set the time of ${path}`,
    repeatable: true,
  });
}

/** See `Host.canonicalize`. */
export async function canonicalRemotePath(
  link: SshLink,
  path: HostPath,
  within: HostPath | undefined,
): Promise<HostPath> {
  const attempt = `find out where ${path} leads`;
  // The letter keeps the line breaks that a name may end with: a substitution drops them.
  const script = [path, ...(within === undefined ? [] : [within])]
    .map((one) => `r=$(realpath ${shellWord(one)} && echo x) || exit 1; printf '%s\\0' "\${r%??}"`)
    .join('\n');
  const [real = '', root] = splitAtNul(await scriptOutput(link, script, { attempt, repeatable: true })).map(
    (text) => hostPath(text),
  );
  if (root !== undefined && relativeHostPath(root, hostPath(real)) === undefined) {
    throw new HostError('outside-root', `${path} leads to ${real}, which is outside of ${root}.`);
  }
  return hostPath(real);
}

function splitAtNul(bytes: Buffer): readonly string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    texts.push(decodeHostPathBytes(bytes.subarray(at, end)));
    at = end + 1;
  }
  return texts;
}
