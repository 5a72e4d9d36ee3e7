/**
 * The beginning of what a POSIX shell reads on its standard input; behind it come functions, and commands that call them, one for each `Ask`. What it prints
 * is cut by marks (`m`): the token, a word that no content can hold by chance and no list of processes shows, and a letter.
 *
 * `look` goes to the folder $1 below the one that it runs in, and sees that it is really there: no link that comes into the place of a folder leads it
 * astray. It prints `g` (gone), `u` (unreadable) or `n` (no file), and fails, unless the file $2 can be opened there. `plain` is whether each is a file and no
 * link. `unopened` prints what the file $1 is that could not be opened. What was only just away is gone, and not unreadable: so each looks twice.
 *
 * `really` is whether what was opened as 3 is the file $1 of the folder that it runs in: a link may have come into its place before it was opened.
 */
export function senderScript(token: string): string {
  return `T=${token}
${SCRIPT}`;
}

const SCRIPT = `
exec 2>/dev/null
cd -P . && [ -n "$PWD" ] || exit 3
root=\${PWD%/} nl='
'
m() { printf '%s%s' "$T" "$1"; }
enter() { cd -P "$root$1/" && [ "\${PWD%/}" = "$root$1" ]; }
look() {
  if ! enter "$1"; then
    d=$root$1
    while [ -n "$d" ] && [ ! -d "$d" ]; do d=\${d%/*}; done
    if [ ! -x "$d/" ] && [ -d "$d" ] && [ ! -x "$d/" ]; then m u; else m g; fi
  elif [ -L "$2" ]; then m n
  elif [ ! -e "$2" ]; then m g
  elif [ ! -f "$2" ]; then m n
  elif [ ! -r "$2" ]; then if [ -f "$2" ] && [ ! -r "$2" ]; then m u; else m g; fi
  else return 0
  fi
  return 1
}
unopened() { if [ -f "$1" ] && ! { :; } 3<"$1" && [ -f "$1" ]; then m u; else m g; fi; }
plain() {
  for n; do
    [ -f "$n" ] && [ ! -L "$n" ] || return 1
  done
}
really() {
  case $1 in
    *"$nl") is=$(readlink -n /proc/self/fd/3; echo .) is=\${is%.} ;;
    *) is=$(exec readlink /proc/self/fd/3) ;;
  esac
  [ "$is" = "\${PWD%/}/\${1#./}" ]
}
part=iflag=skip_bytes,count_bytes
dd if=/dev/null "$part" count=1 || exit 3
[ "$(readlink /proc/self/fd/3 3</dev/null)" = /dev/null ] || exit 3
`;
