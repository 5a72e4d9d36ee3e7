import type { WriteOptions } from '../../host.ts';
import type { HostPath } from '../../host-path.ts';
import { pathWord } from './path-word.ts';

const DEFAULT_MODE = '0644';

/** Gives a file that is whole its mode, and puts it where it belongs. */
export function publishScript(temporary: HostPath, path: HostPath, { mode, ifAbsent }: WriteOptions): string {
  const [file, target] = [pathWord(temporary), pathWord(path)];
  const publish = ifAbsent ? `ln -T ${file} ${target} && rm -f ${file}` : `mv -fT ${file} ${target}`;
  return [
    `m=${mode === undefined ? DEFAULT_MODE : modeDigits(mode)}`,
    ...(mode === undefined && !ifAbsent
      ? [`if [ -f ${target} ] && [ ! -L ${target} ]; then m=0$(stat -c %a ${target}) || exit 1; fi`]
      : []),
    `chmod "$m" ${file} && ${publish}`,
  ].join('\n');
}

/** As octal digits that also take away what is not named: four of them would leave a folder its setgid bit. */
export function modeDigits(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(5, '0');
}
