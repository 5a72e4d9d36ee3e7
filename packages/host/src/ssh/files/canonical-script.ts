import type { HostPath } from '../../host-path.ts';
import { pathWord } from './path-word.ts';

/** As many links as Linux follows in one path. */
const MAX_LINKS = 40;

/**
 * A script that prints where each path leads, every link followed, each with a NUL behind it. What a path leads to need not exist, the folder that would
 * hold it must. GNU's realpath does all of that; BusyBox's takes a link that dangles for one that stands in the shell's own folder.
 * The letter behind each answer keeps the line breaks that a name may end with, which a substitution drops.
 */
export function canonicalScript(paths: readonly HostPath[]): string {
  return `
no() { echo "$1" >&2; exit 1; }
real() {
  p=$1 n=0
  while ! { [ -e "$p" ] && r=$(realpath "$p" && echo x); }; do
    while case $p in ?*/) ;; *) false ;; esac; do p=\${p%/}; done
    if [ -L "$p" ]; then
      n=$((n + 1))
      [ "$n" -le ${MAX_LINKS} ] || no 'Too many levels of symbolic links'
      t=$(readlink -n "$p" && echo x) || no 'No such file or directory'
      t=\${t%x}
      case $t in /*) p=$t ;; *) p=\${p%/*}/$t ;; esac
    else
      [ -d "\${p%/*}/." ] || { ls -d "\${p%/*}/." >/dev/null; exit 1; }
      m=$(ls -d "$p" 2>&1 >/dev/null) && no 'Not a directory'
      case $m in *'No such file or directory') ;; *) no "$m" ;; esac
      r=$(realpath "\${p%/*}/." && echo x) || exit 1
      r=\${r%??}
      r=\${r%/}/\${p##*/}xx
      break
    fi
  done
  printf '%s\\0' "\${r%??}"
}
${paths.map((path) => `real ${pathWord(path)}`).join('\n')}`;
}
