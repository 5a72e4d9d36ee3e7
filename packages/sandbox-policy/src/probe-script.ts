/**
 * What the probe runs, for any POSIX shell and with nothing but its builtins where it decides, so that a missing program cannot look like a denial.
 * A program is started only where there is something for it to do, because every launch of a task waits for this script.
 * A bash whose input is a socket, as Node's pipes are, would run the user's .bashrc: hence `--norc`. The task's HOME is the agent's to write: hence `-I`.
 *
 * `sh -c SCRIPT sh probe NONCE SECRET COUNT WORD… TASK…` is the whole probe, in one command for one round trip to a distant host. Outside of the sandbox
 * it makes the canaries and tries what the sandbox must deny, to show that it would succeed; then it runs the first COUNT words, which are a command in the
 * sandbox, with the tasks added; then it looks, from outside, at what landed on the disk, and takes everything away, also when it is told to end.
 * `try NONCE TASK…` is what it is to run in the sandbox. `clear NONCE TASK…` only takes away what a probe left that was killed.
 *
 * A task is a letter, a colon and a path: `w` and `g` write into a folder, `o` writes into the canary folder,
 * `p` writes into a folder that Codex protects, `s` reads the canary secret, `a` opens a file, `d` looks into a denied place,
 * `m` looks whether a folder is a mount (written as the kernel does), which nobody can rename, `n` opens a network connection.
 * `c`, after all others, is a folder in which the canary folder may be made; in the sandbox an `o` for the one that was made takes their place.
 *
 * Lines of output: `PHASE NONCE POSITION WORD…`, where the phase is `before`, `inside` or `after`, and position 0 is the end of a phase.
 * Whatever is printed in the sandbox is put behind `inside`, so that nothing in there can speak for what is looked at from outside.
 */
export const PROBE_SCRIPT: string = String.raw`
LC_ALL=C
export LC_ALL
mask=$(umask)
umask 077
mode=$1
nonce=$2
shift 2
mark=.seedbed-probe-$nonce
phase=

say() { printf '%s%s %s %s\n' "$phase" "$nonce" "$position" "$*"; }

write() {
  if (printf '%s\n' "$nonce" > "$1") 2>/dev/null; then say wrote; else say refused; fi
}

network() {
  if command -v bash >/dev/null 2>&1; then
    tool=bash
    said=$(bash --norc -c 'exec 3<>/dev/tcp/127.0.0.1/9' 2>&1)
  elif command -v perl >/dev/null 2>&1; then
    tool=perl
    said=$(perl -MSocket -e 'socket(S, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n"; connect(S, pack_sockaddr_in(9, inet_aton("127.0.0.1"))) or die "connect: $!\n"' 2>&1)
  elif command -v python3 >/dev/null 2>&1; then
    tool=python3
    said=$(python3 -I -c 'import socket
try: socket.create_connection(("127.0.0.1", 9), 5)
except OSError as e: print("connect:", e.strerror)' 2>&1)
  else
    tool=none
    said=
  fi
  interfaces=
  if [ -r /proc/net/dev ]; then
    while IFS=': ' read -r name rest; do
      case $rest in *'|'*) ;; *) interfaces="$interfaces $name" ;; esac
    done < /proc/net/dev
  fi
  one_line=$(printf '%s' "$said" | { out=; while read -r line || [ -n "$line" ]; do out="$out $line"; done; printf '%s' "$out"; })
  say "$tool interfaces$interfaces ;$one_line"
}

protected() {
  if [ -d "$1" ]; then write "$1/$mark"
  elif [ -e "$1" ]; then if (: >> "$1") 2>/dev/null; then say wrote; else say refused; fi
  elif ! command -v mkdir >/dev/null 2>&1; then say untried
  elif mkdir "$1" 2>/dev/null; then
    say wrote
    rmdir "$1" 2>/dev/null
  else say refused
  fi
}

held() {
  if [ ! -r /proc/self/mountinfo ]; then say untried; return; fi
  while read -r _ _ _ _ place _; do
    if [ "$place" = "$1" ]; then say refused; return; fi
  done < /proc/self/mountinfo
  say wrote
}

attempt() {
  case $kind in
    w | g) write "$path/$mark" ;;
    o)
      write "$path/canary"
      write "$path/created"
      ;;
    p) protected "$path" ;;
    m) held "$path" ;;
    s)
      if IFS= read -r line < "$path/$mark"; then say "read $line"; else say refused; fi 2>/dev/null
      ;;
    a) if (: < "$path") 2>/dev/null; then say read; else say refused; fi ;;
    d) if [ -r "$path" ]; then say read; else say refused; fi ;;
    n) network ;;
  esac
}

landed() {
  line=
  if [ -f "$1" ] && IFS= read -r line < "$1" && [ "$line" = "$nonce" ]; then say landed; fi
}

look() {
  case $kind in
    w | g | p) landed "$path/$mark" ;;
    o)
      landed "$path/canary"
      landed "$path/created"
      ;;
  esac
}

canaries() {
  printf '%s\n' untouched > "$canary/canary" && rm -f "$canary/created"
}

prepare() {
  case $kind in
    c)
      outside=${'$'}{outside:-$index}
      if [ -z "$canary" ] && mkdir "$path/$mark" 2>/dev/null; then
        canary=$path/$mark
        canaries
        path=$canary
        kind=o
        position=$outside
        say "made $index"
        attempt
        look
        canaries
      fi
      ;;
    s)
      if (printf '%s\n' "$secret" > "$path/$mark") 2>/dev/null; then attempt; fi
      ;;
    w)
      attempt
      look
      rm -f "$path/$mark"
      ;;
    p) if [ -e "$path" ]; then say present; else say absent; absent="$absent $index "; fi ;;
    a | d | n) attempt ;;
  esac
}

forget() {
  case $kind in
    w | g | p | s | c) if [ -e "$path/$mark" ] || [ -L "$path/$mark" ]; then rm -rf "$path/$mark"; fi ;;
  esac
  # A folder that was not there, and that the sandbox or its end has left.
  case $absent in *" $index "*) if [ -d "$path" ]; then rmdir "$path" 2>/dev/null; fi ;; esac
}

finish() {
  if [ "$index" = "$outside" ] && [ -n "$canary" ]; then
    place=$path
    path=$canary
    kind=o
    look
    path=$place
    kind=c
  fi
  look
  forget
}

# Does something for each task, of which the first is behind as many words as are given.
each() {
  action=$1
  shift "$(($2 + 2))"
  index=0
  for task in "$@"; do
    index=$((index + 1))
    position=$index
    kind=${'$'}{task%%:*}
    path=${'$'}{task#?:}
    "$action"
  done
  position=0
}

in_sandbox() {
  index=0
  for word in "$@"; do
    shift
    index=$((index + 1))
    if [ "$index" -gt "$count" ]; then case $word in c:*) continue ;; esac; fi
    set -- "$@" "$word"
  done
  if [ -n "$canary" ]; then set -- "$@" "o:$canary"; fi
  umask "$mask"
  "$@" < /dev/null
}

quoted() {
  while IFS= read -r line || [ -n "$line" ]; do printf 'inside %s\n' "$line"; done
}

absent=
canary=
outside=
ended=
case $mode in
  probe)
    secret=$1
    count=$2
    shift 2
    # What runs in the sandbox is told, too, and ends; what was made is still taken away.
    trap ended=1 HUP INT TERM
    phase='before '
    each prepare "$count" "$@"
    say done
    if [ -z "$ended" ]; then in_sandbox "$@" | quoted; fi
    phase='after '
    each finish "$count" "$@"
    say done
    ;;
  try)
    each attempt 0 "$@"
    say done
    ;;
  clear) each forget 0 "$@" ;;
esac
exit 0
`;
