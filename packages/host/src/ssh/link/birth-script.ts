/**
 * `born <process>` says when it was started, in clock ticks since boot; nothing when it is gone or a zombie. See proc(5). `lives <process> <born>`: whether it is
 * still that one.
 */
export const BORN: string = `born() {
  IFS= read -r l 2>/dev/null <"/proc/$1/stat" || return 1
  set -- \${l##*") "}
  if [ "$1" = Z ]; then return 1; fi
  shift 19; echo "$1"
}
lives() { [ -n "$2" ] && [ "$(born "$1")" = "$2" ]; }`;
