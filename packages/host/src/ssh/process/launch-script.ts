import type { CheckedCommand } from '../../check-command.ts';
import { HostError, type HostErrorCode } from '../../host-error.ts';
import { programCandidates } from '../../program-candidates.ts';
import { shellWord } from '../../shell-quoting.ts';
import { pathWord } from '../files/path-word.ts';

/** Linux takes no longer argument or variable than this, its NUL included (MAX_ARG_STRLEN). */
const MAX_WORD_BYTES = 128 * 1024;
const SHELL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** Variables that a shell uses itself or lets nobody set: the program gets them past it. */
const SHELL_OWN =
  /^(IFS|PS[124]|PPID|UID|EUID|OPT(IND|ARG|ERR)|ENV|BASH.*|SHELLOPTS|SHLVL|PWD|OLDPWD|_|LINENO|POSIXLY_CORRECT|LC_.*|LANG|LANGUAGE)$/;

/**
 * The script that becomes the program: it says `ok` and its own line of /proc/<pid>/stat, or `no` and a code.
 * sshd makes each command the leader of a session; the script becomes the program by `exec`, so that its process is the leader's.
 *
 * @throws {HostError} `invalid-command`.
 */
export function launchScript(command: CheckedCommand): string {
  const stat = 'IFS= read -r s </proc/$$/stat || no unsupported';
  return [findProgram(command), stat, 'say "ok $s"', becomeProgram(command)].join('\n');
}

/**
 * Goes to the command's folder and finds its program, which is `$p` then, and env(1), which is `$e`. Ends the script with `no` and a code when it can't.
 *
 * @throws {HostError} `invalid-command`.
 */
export function findProgram(command: CheckedCommand): string {
  refuseLongWords(command);
  const folder = pathWord(command.cwd);
  return [
    `no() { say "no $1"; exit 0; }`,
    `if ! cd ${folder} 2>/dev/null; then`,
    `  if [ -d ${folder} ]; then no permission-denied; elif [ -e ${folder} ]; then no not-a-directory; else no not-found; fi`,
    'fi',
    'p= seen= e=$(command -v env)',
    `for c in ${programCandidates(command).map(shellWord).join(' ')}; do`,
    '  if [ -f "$c" ] && [ -x "$c" ]; then p=$c; break; fi',
    '  if [ -e "$c" ]; then seen=$c; fi',
    'done',
    'if [ -z "$p" ]; then if [ -n "$seen" ]; then no command-not-executable; else no command-not-found; fi; fi',
    `if [ "$(head -c 2 "$p" 2>/dev/null)" = '#!' ]; then`,
    `  read -r i r <"$p"; i=\${i#??}; [ -n "$i" ] || i=\${r%% *}; [ -x "$i" ] || no command-not-executable`,
    'fi',
  ].join('\n');
}

/** Puts the program with its arguments and environment into the place of the shell. */
export function becomeProgram(command: CheckedCommand): string {
  const { argv, env } = command;
  const entries = Object.entries(env);
  const plain = entries.filter(([name]) => SHELL_NAME.test(name) && !SHELL_OWN.test(name));
  const past = entries.filter((entry) => !plain.includes(entry));
  const exports = plain.filter(([name]) => name !== 'PATH').map(assignment);
  const path = env['PATH'] === undefined ? 'unset PATH' : `export PATH=${shellWord(env['PATH'])}`;
  const words = argv.map(shellWord);
  // A name that a shell could take for an option is replaced by the file that it means.
  const program = argv[0].startsWith('-') ? '"$p"' : words[0];
  const variables = past.map(([name, value]) => shellWord(`${name}=${value}`)).join(' ');
  // env(1) would take a program with "=" in its name for one more variable.
  const meant = argv[0].startsWith('-') ? programCandidates(command) : [argv[0]];
  const between = meant.some((file) => file.includes('=')) ? ` /bin/sh -c 'exec "$0" "$@"'` : '';
  const through = past.length === 0 ? '' : `"$e" ${variables}${between}`;
  return [
    'unset OLDPWD LC_ALL SHLVL _ 2>/dev/null',
    ...exports.map((text) => `export ${text}`),
    path,
    `exec ${through} ${program} ${words.slice(1).join(' ')}`,
  ].join('\n');
}

function assignment([name, value]: readonly [string, string]): string {
  return `${name}=${shellWord(value)}`;
}

function refuseLongWords({ argv, env }: CheckedCommand): void {
  const entries = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  if ([...argv, ...entries].every((word) => Buffer.byteLength(word) < MAX_WORD_BYTES)) return;
  const why = `an argument or variable is longer than the ${MAX_WORD_BYTES} bytes that the host takes`;
  throw new HostError('invalid-command', `Cannot start ${argv[0]}: ${why}.`);
}

const REFUSALS: Readonly<Record<string, readonly [HostErrorCode, string]>> = {
  'permission-denied': ['permission-denied', 'the folder that it is to run in may not be entered'],
  'not-a-directory': ['not-a-directory', 'what it is to run in is not a folder'],
  'not-found': ['not-found', 'the folder that it is to run in is not there'],
  'command-not-found': ['command-not-found', 'there is no such program'],
  'command-not-executable': [
    'command-not-executable',
    'it is there, but may not be executed, or the interpreter that it names is not there',
  ],
};

/** The failure that the launch script told of. */
export function launchFailure({ argv, cwd, env }: CheckedCommand, answer: string): HostError {
  const [code, why] = REFUSALS[answer.replace(/^no /, '')] ?? ['unsupported', 'the host has no /proc'];
  const path =
    code === 'command-not-found' && !argv[0].includes('/') ? `; the PATH is ${env['PATH'] ?? 'not set'}` : '';
  return new HostError(code, `Could not start ${argv[0]} in ${cwd}: ${why}${path}.`);
}
