import type { DirEntry, FileKind, FileStat } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { hostPath, parentHostPath, relativeHostPath } from '../../host-path.ts';
import { decodeHostPathBytes } from '../../host-path-bytes.ts';
import { shellWord } from '../../shell-quoting.ts';
import { parseStatFacts, STAT_FORMAT } from '../../stat-facts.ts';
import { scriptOutput, scriptResult } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';
import { canonicalScript } from './canonical-script.ts';
import { modeDigits } from './mode-digits.ts';
import { pathWord } from './path-word.ts';
import { removalScript } from './removal-script.ts';
import { shellFailure } from './shell-failure.ts';

/** See `Host.stat`. */
export async function statRemoteFile(
  link: SshLink,
  path: HostPath,
  followLinks: boolean,
): Promise<FileStat | undefined> {
  const attempt = `look at ${path}`;
  const script = `stat ${followLinks ? '-L ' : ''}-c '${STAT_FORMAT}' ${pathWord(path)}`;
  const { stdout, code, stderr } = await scriptResult(link, script, { attempt, repeatable: true });
  if (code === 0) return parseStatFacts(stdout.toString('latin1'));
  const failure = shellFailure(attempt, stderr);
  if (failure.code === 'not-found' || failure.code === 'not-a-directory') return undefined;
  throw failure;
}

const KINDS: Readonly<Record<string, FileKind>> = { f: 'file', d: 'directory', l: 'symlink', o: 'other' };

/** See `Host.list`. The shell itself lists: that is the same everywhere, and starts no program for an entry. */
export async function* listRemoteDirectory(
  link: SshLink,
  path: HostPath,
): AsyncGenerator<DirEntry, void, undefined> {
  const folder = pathWord(path);
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
  const folder = pathWord(path);
  // The mode is given with the creation: nobody sees the folder with another, and a repetition finds it as it should be.
  const modeOption = mode === undefined ? '' : `-m ${modeDigits(mode)} `;
  await scriptOutput(link, `[ -d ${folder} ] || mkdir -p ${modeOption}${folder}`, {
    attempt: `create the folder ${path}`,
    repeatable: true,
  });
}

/** See `Host.remove`. */
export async function removeRemote(link: SshLink, path: HostPath, recursive: boolean): Promise<void> {
  if (path === '/') throw new HostError('permission-denied', 'The root of a host is never removed.');
  const file = pathWord(path);
  const script = recursive
    ? removalScript(path)
    : `if [ -d ${file} ] && [ ! -L ${file} ]; then rmdir ${file}; else rm -f ${file}; fi`;
  await scriptOutput(link, script, { attempt: `remove ${path}`, slow: recursive });
}

/** See `Host.rename`: rename(2) in every case in which mv does something else. */
export async function renameRemote(link: SshLink, from: HostPath, to: HostPath): Promise<void> {
  const [source, target] = [pathWord(from), pathWord(to)];
  const folderOf = (path: HostPath): string => pathWord(parentHostPath(path));
  const script = [
    'no() { echo "$1" >&2; exit 1; }',
    'isFolder() { [ -d "$1" ] && [ ! -L "$1" ]; }',
    'isThere() { [ -e "$1" ] || [ -L "$1" ]; }',
    `isThere ${source} || { ls -d ${source} >/dev/null; exit 1; }`,
    `if isFolder ${source}; then`,
    `  if isThere ${target} && ! isFolder ${target}; then no 'Not a directory'; fi`,
    `elif isFolder ${target}; then no 'Is a directory'; fi`,
    // Two names of one file both stay.
    `if [ ${source} -ef ${target} ] && [ ! -L ${source} ] && [ ! -L ${target} ]; then exit 0; fi`,
    // mv would copy, which is no rename: neither at once nor for all to see.
    `d=$(stat -Lc %d ${folderOf(to)}) && [ "$(stat -Lc %d ${folderOf(from)})" != "$d" ] && no 'Invalid cross-device link'`,
    `mv -fT ${source} ${target}`,
  ].join('\n');
  await scriptOutput(link, script, { attempt: `rename ${from} to ${to}` });
}

/** See `Host.link`. */
export async function linkRemote(
  link: SshLink,
  path: HostPath,
  { target, hard }: { readonly target: string; readonly hard: boolean },
): Promise<void> {
  const script = hard
    ? `ln -T ${pathWord(hostPath(target))} ${pathWord(path)}`
    : `ln -sT -- ${shellWord(refuseNul(target))} ${pathWord(path)}`;
  await scriptOutput(link, script, { attempt: `link ${path} to ${target}` });
}

function refuseNul(target: string): string {
  if (!target.includes('\0')) return target;
  throw new HostError('invalid-path', `A link cannot hold a NUL byte: ${JSON.stringify(target)}.`);
}

/** See `Host.readLink`. */
export async function readRemoteLink(link: SshLink, path: HostPath): Promise<string> {
  const file = pathWord(path);
  // ls says why there is nothing; readlink is silent.
  const script = `readlink -n ${file} && exit; ls -d ${file} >/dev/null && echo 'it is no link' >&2; exit 1`;
  return decodeHostPathBytes(
    await scriptOutput(link, script, { attempt: `read the link ${path}`, repeatable: true }),
  );
}

/** See `Host.setMode`. */
export async function setRemoteMode(link: SshLink, path: HostPath, mode: number): Promise<void> {
  const file = pathWord(path);
  // ls says what a link that dangles lacks, where chmod says only that it does.
  await scriptOutput(link, `chmod ${modeDigits(mode)} ${file} || { ls -dL ${file} >/dev/null; exit 1; }`, {
    attempt: `change the mode of ${path}`,
    repeatable: true,
  });
}

/** See `Host.setModified`. BusyBox's touch takes whole seconds only: there a time is rounded down to one. */
export async function setRemoteModified(link: SshLink, path: HostPath, modifiedMs: number): Promise<void> {
  const file = pathWord(path);
  const micros = Math.round(modifiedMs * 1_000);
  const seconds = Math.floor(micros / 1_000_000);
  const touch = (time: string): string => `touch -chm -d @${time} ${file}`;
  const whole = touch(String(seconds));
  const exact =
    seconds * 1_000_000 === micros ? '' : `${touch((micros / 1_000_000).toFixed(6))} 2>/dev/null || `;
  const script = `if [ -e ${file} ] || [ -L ${file} ]; then ${exact}${whole}; else ls -d ${file} >/dev/null; exit 1; fi`;
  await scriptOutput(link, script, { attempt: `set the time of ${path}`, repeatable: true });
}

/** See `Host.canonicalize`. */
export async function canonicalRemotePath(
  link: SshLink,
  path: HostPath,
  within: HostPath | undefined,
): Promise<HostPath> {
  const attempt = `find out where ${path} leads`;
  const script = canonicalScript(within === undefined ? [path] : [path, within]);
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
