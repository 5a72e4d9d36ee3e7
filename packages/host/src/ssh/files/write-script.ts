import { randomBytes } from 'node:crypto';
import type { WriteOptions } from '../../host.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../../host-path.ts';
import { shellPrintf, shellWord } from '../../shell-quoting.ts';
import { modeDigits } from './mode-digits.ts';
import { pathWord } from './path-word.ts';
import { REFUSAL } from './script-refusal.ts';

/** A file that is to be written, and the temporary file beside it that becomes it. */
export interface WriteTarget extends Pick<WriteOptions, 'mode' | 'ifAbsent'> {
  readonly path: HostPath;
  readonly temporary: HostPath;
}

export function writeTarget(path: HostPath, { mode, ifAbsent }: WriteOptions): WriteTarget {
  const temporary = joinHostPath(parentHostPath(path), `.seedbed-${randomBytes(8).toString('hex')}.tmp`);
  return { path, temporary, ...(mode !== undefined && { mode }), ...(ifAbsent && { ifAbsent }) };
}

/**
 * Writes a file whose content stands in the script: in the format of `printf`, which must be the shell's own, so that no list of processes shows it.
 * A shell reads a compound command to its end before it runs any of it: as part of one, a script that was cut off does nothing.
 */
export function writeAtOnceScript(target: WriteTarget, content: Uint8Array): string {
  return [
    // There is no program in this PATH.
    `PATH=/ printf '' 2>/dev/null || exit ${REFUSAL.noPrintf}`,
    ...preparations(target, 'exit'),
    `w() { ${shellPrintf(content)}; }`,
    // cat says why the disk does not take it, which printf does not in every shell.
    '{ chmod "$m" "$f" && { w || { w | cat; false; }; }; } >"$f" &&',
    ...publication(target, 'exit'),
  ].join('\n');
}

/**
 * Writes what comes through standard input, after it has said `ok`. The end of a broken channel looks like that of the content: so what comes last is the
 * seal, which is cut off again. Without it the file is not published, and the temporary file is removed.
 */
export function writeStreamScript(target: WriteTarget, seal: string): string {
  return [
    ...preparations(target, 'say refused; exit'),
    '{ chmod 0600 "$f" && say ok >&3 && cat; } 3>&1 >"$f" &&',
    `[ "$(tail -c ${seal.length} "$f")" = ${seal} ] && n=$(stat -c %s "$f") && truncate -s $((n - ${seal.length})) "$f" &&`,
    'chmod "$m" "$f" &&',
    ...publication(target, 'say refused; exit'),
  ].join('\n');
}

/** Sets `f`, the temporary file, `t`, the target, and `m`, the mode. */
function preparations({ path, temporary, mode, ifAbsent }: WriteTarget, refuse: string): readonly string[] {
  const keepsMode = mode === undefined && !ifAbsent;
  return [
    `f=${pathWord(temporary)} t=${pathWord(path)} m=${mode === undefined ? '0644' : modeDigits(mode)}`,
    ...(ifAbsent ? [`if [ -e "$t" ] || [ -L "$t" ]; then ${refuse} ${REFUSAL.exists}; fi`] : []),
    `if [ -d "$t" ] && [ ! -L "$t" ]; then ${refuse} ${REFUSAL.directory}; fi`,
    ...(keepsMode
      ? [`if [ -f "$t" ] && [ ! -L "$t" ]; then m=0$(stat -c %a "$t") || { ${refuse} 1; }; fi`]
      : []),
    'umask 077; set -C',
  ];
}

function publication({ path, ifAbsent }: WriteTarget, refuse: string): readonly string[] {
  const publish = ifAbsent ? 'ln -T "$f" "$t" && rm -f "$f"' : 'mv -fT "$f" "$t"';
  // ls says why, where the shell's own message leaves it open.
  const explain = `ls -d ${shellWord(`${parentHostPath(path)}/.`)} >/dev/null`;
  return [`${publish} || { ${explain}; rm -f "$f"; ${refuse} 1; }`];
}
