import { type Ask, placeOf } from '../sender/asks.ts';
import { shellWord } from '../shell-quoting.ts';
import type { HashRange } from './file-hash.ts';

/**
 * How the shell hashes. Of one part: `f`, a line of sha256sum, the position in the file behind what was hashed, `e`. Of a batch of whole files: `t`, a line of
 * sha256sum for each, the size of each on a line of its own, and `0` when all of them were files of these sizes before and after; or `1` behind whatever there
 * was, or none of these, and then each as one part.
 *
 * A batch names the sizes that are expected, or none. The hash of a batch may be that of a file outside of the folder when somebody puts a link in the place of
 * one of its files and takes it away again meanwhile: the bytes themselves stay where they are.
 */
export const HASHING_SCRIPT = `
[ "$(printf '' | sha256sum)" = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  -" ] || exit 3
h() {
  look "$3" "$4" || return 0
  {
    if really "$4"; then
      m f
      if [ "$1$2" = 0- ]; then sha256sum <&3
      elif [ "$2" = 0 ]; then sha256sum </dev/null
      elif [ "$2" = - ]; then dd "$part" bs=262144 skip="$1" <&3 | sha256sum
      else dd "$part" bs=262144 skip="$1" count="$2" <&3 | sha256sum
      fi
      read -r key at </proc/self/fdinfo/3
      printf '%s' "$at"
      m e
    else
      m g
    fi
  } 3<"$4" || unopened "$4"
}
H() {
  s=$1 f=$2
  shift 2
  if enter "$f" && plain "$@"; then
    a=$(stat -c %s "$@")
    if [ -z "$s" ] || [ "$a" = "$s" ]; then
      m t
      sha256sum "$@" && plain "$@" && b=$(stat -c %s "$@") && [ "$a" = "$b" ] && printf '%s' "$a" && m 0 && return
      m 1
    fi
  fi
  for l in $s; do
    h 0 "$l" "$f" "$1"
    shift
  done
  for n; do h 0 - "$f" "$n"; done
}
`;

/** The command that makes the shell hash what is asked for. */
export function hashingCommand(ask: Ask<HashRange>): string {
  if (ask.kind === 'single') {
    const { offset = 0, length = '-' } = ask.range;
    const { folder, name } = placeOf(ask.range);
    return `h ${offset} ${length} ${shellWord(folder)} ${shellWord(name)}\n`;
  }
  const sizes = ask.ranges.flatMap(({ length }) => (length === undefined ? [] : [length]));
  const places = ask.ranges.map(placeOf);
  const words = [sizes.join('\n'), places[0]?.folder ?? '', ...places.map(({ name }) => name)];
  return `H ${words.map(shellWord).join(' ')}\n`;
}
