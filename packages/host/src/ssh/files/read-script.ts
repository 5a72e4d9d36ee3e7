import type { ReadOptions } from '../../host.ts';
import type { HostPath } from '../../host-path.ts';
import { pathWord } from './path-word.ts';
import { REFUSAL } from './script-refusal.ts';

/** Prints a file, or a part of it. `refuse` ends the script otherwise, with the exit code behind it; `begin` comes before the first byte. */
export function readScript(
  path: HostPath,
  { offset = 0, length = Infinity }: ReadOptions,
  refuse: string,
  begin = ':',
): string {
  const file = pathWord(path);
  const start = offset === 0 ? 'cat' : `tail -c +${offset + 1}`;
  const read = offset === 0 ? `exec head -c ${length} <${file}` : `${start} <${file} | head -c ${length}`;
  return [
    `if [ -d ${file} ]; then ${refuse} ${REFUSAL.directory}; fi`,
    // ls says why there is nothing.
    `if [ ! -e ${file} ]; then ls -dL ${file} >/dev/null; ${refuse} 1; fi`,
    `if [ ! -f ${file} ]; then ${refuse} ${REFUSAL.other}; fi`,
    `if [ ! -r ${file} ]; then echo 'Permission denied' >&2; ${refuse} 1; fi`,
    begin,
    length === 0 ? 'exit 0' : length === Infinity ? `exec ${start} <${file}` : read,
  ].join('\n');
}
