import { shellWord } from '../shell-quoting.ts';
import type { FileRange } from './file-reading.ts';

/** What the script says behind each mark. */
export type MarkLetter = 's' | 'f' | 'e' | 't' | '0' | '1' | 'g' | 'u' | 'n';

/** Files of one folder that are small, to be sent together. */
export interface Batch {
  readonly kind: 'batch';
  readonly ranges: readonly FileRange[];
}

export interface Single {
  readonly kind: 'single';
  readonly range: FileRange;
}

/** What is asked of the script at a time. */
export type Ask = Batch | Single;

/**
 * The beginning of what a POSIX shell reads on its standard input; behind it come commands, one for each `Ask`. What it prints is cut by marks: the token, a
 * word that no content can hold by chance and no list of processes shows, and a letter. It begins with `s`, or ends with 3 where it has no tools for this.
 *
 * Of one part: `f`, the bytes, `e`; or `g` gone, `u` unreadable, `n` no file. Of a batch: `t`, an archive, and `0` when that holds each file as it was all the
 * time; or `1` behind whatever there was, or none of these, and then each file as one part.
 *
 * It goes to the folder of a file first, and looks that it is really there: no link that comes into the place of a folder leads it astray. GNU's dd and tar then
 * open the file without following a link. With BusyBox's tools the shell opens it, and looks what it has opened before it reads.
 */
export function sendingScript(token: string): string {
  return `T=${token}
${SCRIPT}`;
}

const SCRIPT = `
exec 2>/dev/null
cd -P . && [ -n "$PWD" ] || exit 3
root=\${PWD%/} tar= nl='
'
m() { printf '%s%s' "$T" "$1"; }
enter() { cd -P "$root$1/" && [ "\${PWD%/}" = "$root$1" ]; }
look() {
  if ! enter "$1"; then
    d=$root$1
    while [ -n "$d" ] && [ ! -d "$d" ]; do d=\${d%/*}; done
    if [ -x "$d/" ]; then m g; else m u; fi
  elif [ -L "$2" ]; then m n
  elif [ ! -e "$2" ]; then m g
  elif [ ! -f "$2" ]; then m n
  elif [ ! -r "$2" ]; then m u
  else return 0
  fi
  return 1
}
plain() {
  for n; do
    [ -f "$n" ] && [ ! -L "$n" ] || return 1
  done
}
bytes=iflag=skip_bytes,count_bytes
if dd if=/dev/null "$bytes,nofollow,nonblock" count=1; then
  r() {
    look "$3" "$4" || return 0
    m f
    [ "$2" = 0 ] || dd if="$4" "$bytes,nofollow,nonblock" bs=262144 skip="$1" count="$2" </dev/null
    m e
  }
  case $(tar --version) in *'GNU tar'*) tar=y ;; esac
elif dd if=/dev/null "$bytes" count=1 && [ "$(readlink /proc/self/fd/3 3</dev/null)" = /dev/null ]; then
  r() {
    look "$3" "$4" || return 0
    {
      case $4 in
        *"$nl") is=$(readlink -n /proc/self/fd/3; echo .) is=\${is%.} ;;
        *) is=$(exec readlink /proc/self/fd/3) ;;
      esac
      if [ "$is" = "\${PWD%/}/\${4#./}" ]; then
        m f
        [ "$2" = 0 ] || dd "$bytes" bs=262144 skip="$1" count="$2" <&3
        m e
      else
        m g
      fi
    } 3<"$4" || m u
  }
else
  exit 3
fi
t() {
  l=$1 f=$2
  shift 2
  if [ -n "$tar" ] && enter "$f" && plain "$@"; then
    m t
    tar --create --file=- --format=gnu --no-recursion --hard-dereference --no-unquote -- "$@" </dev/null && m 0 && return
    m 1
  fi
  for n; do r 0 "$l" "$f" "$n"; done
}
m s
`;

/** The command that makes the script answer. */
export function commandOf(ask: Ask): string {
  if (ask.kind === 'single') {
    const { relativePath, offset = 0, length } = ask.range;
    const { folder, name } = placeOf(relativePath);
    return `r ${offset} ${length} ${shellWord(folder)} ${shellWord(name)}\n`;
  }
  const longest = Math.max(...ask.ranges.map(({ length }) => length));
  const folder = shellWord(placeOf(ask.ranges[0]?.relativePath ?? '').folder);
  const names = ask.ranges.map(({ relativePath }) => shellWord(placeOf(relativePath).name));
  return `t ${longest} ${folder} ${names.join(' ')}\n`;
}

/** The folder with a slash before it, or nothing for the root, and the name as no program takes it for an option. */
export function placeOf(relativePath: string): { readonly folder: string; readonly name: string } {
  const slash = relativePath.lastIndexOf('/');
  return {
    folder: slash < 0 ? '' : `/${relativePath.slice(0, slash)}`,
    name: `./${relativePath.slice(slash + 1)}`,
  };
}
