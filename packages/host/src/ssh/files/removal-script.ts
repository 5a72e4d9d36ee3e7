import type { HostPath } from '../../host-path.ts';
import { pathWord } from './path-word.ts';

/**
 * A script that removes whatever a process may have left: also folders that their owner may not change, as Go's module cache has them, and trees that are
 * deeper than a path can say, with which GNU's rm can deal and BusyBox's can't. There the folders from halfway on are moved up first.
 */
export function removalScript(path: HostPath): string {
  const file = pathWord(path);
  return `
f=${file}
rm -rf "$f" 2>/dev/null && exit
find "$f" -type d ! -perm -700 -exec chmod u+rwx {} \\; 2>/dev/null
halfway=$(((\${#f} + 4095) / 2)) n=0
lift() {
  for d in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    { [ -d "$d" ] && [ ! -L "$d" ]; } || continue
    if [ "\${#d}" -gt "$halfway" ]; then
      n=$((n + 1))
      mv -T "$d" "$f/.seedbed-$$-$n.tmp"
    else
      lift "$d"
    fi
  done
}
while ! m=$(rm -rf "$f" 2>&1); do
  before=$n
  case $m in *'File name too long'*) lift "$f" 2>/dev/null ;; esac
  [ "$n" != "$before" ] || { printf '%s\\n' "$m" >&2; exit 1; }
done`;
}
