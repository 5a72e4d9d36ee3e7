import { type Ask, placeOf } from '../sender/asks.ts';
import { shellWord } from '../shell-quoting.ts';
import type { FileRange } from './file-reading.ts';

/**
 * How the shell sends parts of files. Of one part: `f`, the bytes, `e`. Of a batch: `t`, an archive, and `0` when that holds each file as it was all the time;
 * or `1` behind whatever there was, or none of these, and then each file as one part.
 *
 * GNU's dd and tar open a file without following a link. With BusyBox's tools the shell opens it, and looks what it has opened before it reads.
 */
export const READING_SCRIPT = `
tar=
if dd if=/dev/null "$part,nofollow,nonblock" count=1; then
  r() {
    look "$3" "$4" || return 0
    m f
    [ "$2" = 0 ] || dd if="$4" "$part,nofollow,nonblock" bs=262144 skip="$1" count="$2" </dev/null
    m e
  }
  case $(tar --version) in *'GNU tar'*) tar=y ;; esac
else
  r() {
    look "$3" "$4" || return 0
    {
      if really "$4"; then
        m f
        [ "$2" = 0 ] || dd "$part" bs=262144 skip="$1" count="$2" <&3
        m e
      else
        m g
      fi
    } 3<"$4" || unopened "$4"
  }
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
`;

/** The command that makes the shell send what is asked for. */
export function readingCommand(ask: Ask<FileRange>): string {
  if (ask.kind === 'single') {
    const { offset = 0, length } = ask.range;
    const { folder, name } = placeOf(ask.range);
    return `r ${offset} ${length} ${shellWord(folder)} ${shellWord(name)}\n`;
  }
  const longest = Math.max(...ask.ranges.map(({ length }) => length));
  const places = ask.ranges.map(placeOf);
  return `t ${longest} ${[places[0]?.folder ?? '', ...places.map(({ name }) => name)].map(shellWord).join(' ')}\n`;
}
