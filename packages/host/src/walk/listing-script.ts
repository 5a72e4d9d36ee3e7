import { FIND_FORMAT, STAT_FORMAT } from '../stat-facts.ts';

/** What the listing has in place of the facts of a folder that may not be read or entered. */
export const UNREADABLE = '!';

/** What the listing begins with: which of the two formats the facts have. */
export type FactsFormat = 'find' | 'stat';

/** Whether the folder $1 is there, and may not be read or entered, each time that it is looked at. */
const STAYS_CLOSED =
  'for look in 1 2 3; do if [ ! -e "$1" ] || { [ -r "$1" ] && [ -x "$1" ]; }; then exit 1; fi; done';

/**
 * Lists the tree below the folder that it runs in: $1 levels deep, without what the words behind $2 make find(1) leave out. It prints the format, then of
 * each entry its facts, its path from there, and what it says if it is a symbolic link, each with a NUL behind it; a folder before what is in it.
 *
 * A folder that may not be read or entered, and has not just disappeared, comes once more with `!` for its facts. One that comes and goes looks like that for a moment: it is looked at again.
 *
 * GNU's find prints all of that itself. BusyBox's runs the script $2 for some hundred entries at a time.
 * It ends with 3 where there are no tools for it, or the folder may not be read.
 */
export const LISTING_SCRIPT: string = `
d=$1 each=$2
shift 2
[ -r . ] || exit 3
if find . -maxdepth 0 -readable -executable -printf '' 2>/dev/null; then
  printf 'find\\0'
  exec find . -mindepth 1 -maxdepth "$d" "$@" -printf '${FIND_FORMAT}\\0%P\\0%l\\0' \\
    '(' ! -type d -o -readable -executable -o ! -exec sh -c '${STAYS_CLOSED}' sh {} ';' -o -printf '${UNREADABLE}\\0%P\\0\\0' ')'
fi
[ -n "$(stat -c '${STAT_FORMAT}' . 2>/dev/null)" ] || exit 3
printf 'stat\\0'
exec find . -mindepth 1 -maxdepth "$d" "$@" -exec sh -c "$each" sh {} +
`;

/**
 * Prints the listing of the files that it is given. They are looked at all at once: stat(1) prints a line for each, in their order, and no names, which
 * could hold line breaks. When one has disappeared the lines don't match, and each is looked at by itself.
 */
export const LIST_EACH: string = `
IFS='
'
set -f
closed() (
  ${STAYS_CLOSED}
)
tell() {
  printf '%s\\0%s\\0' "$1" "$2"
  if [ -L "$2" ]; then readlink -n "$2"; fi
  printf '\\0'
  if [ -d "$2" ] && [ ! -L "$2" ]; then
    { [ -r "$2" ] && [ -x "$2" ]; } || ! closed "$2" || printf '${UNREADABLE}\\0%s\\0\\0' "$2"
  fi
}
if all=$(stat -c '${STAT_FORMAT}' "$@" 2>/dev/null); then
  for one in $all; do
    tell "$one" "$1"
    shift
  done
else
  for f; do
    one=$(stat -c '${STAT_FORMAT}' "$f" 2>/dev/null) && tell "$one" "$f"
  done
fi
exit 0
`;
