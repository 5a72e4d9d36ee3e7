/**
 * What the probe runs, for any POSIX shell and with nothing but its builtins where it decides, so that a missing program cannot look like a denial.
 * A program is started only where there is something for it to do, because every launch of a task waits for this script.
 * A bash whose input is a socket, as Node's pipes are, would run the user's .bashrc: hence `--norc`.
 *
 * `sh -c SCRIPT sh MODE NONCE TASK…`. A task is a letter, a colon and a path: `w` and `g` write into a folder, `o` writes into the canary folder,
 * `p` writes into a folder that Codex protects (`q`: one that was not there before), `s` reads the canary secret, `a` opens a file, `d` looks into a denied place,
 * `m` looks whether a folder is a mount (written as the kernel does), which nobody can rename, `n` opens a network connection.
 * `c` is a folder in which the canary folder may be made. Lines of output: `NONCE POSITION WORD…`.
 *
 * Modes: `prepare` makes the canaries and tries what the sandbox must deny without it, to show that it would succeed;
 * `try` does everything, and is what runs in the sandbox; `finish` looks at what landed on the disk, from outside, and takes everything away.
 */
export const PROBE_SCRIPT: string = String.raw`
LC_ALL=C
export LC_ALL
umask 077
mode=$1
nonce=$2
shift 2
mark=.seedbed-probe-$nonce

say() { printf '%s %s %s\n' "$nonce" "$position" "$*"; }

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
    said=$(python3 -c 'import socket
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
  elif mkdir "$1" 2>/dev/null; then say wrote
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
    w | g) landed "$path/$mark" ;;
    o)
      landed "$path/canary"
      landed "$path/created"
      ;;
    p | q) landed "$path/$mark" ;;
  esac
}

forget() {
  if [ -e "$path/$mark" ] || [ -L "$path/$mark" ]; then rm -rf "$path/$mark"; fi
}

canaries() {
  printf '%s\n' untouched > "$canary/canary" && rm -f "$canary/created"
}

position=0
canary=
for task in "$@"; do
  position=$((position + 1))
  kind=${'$'}{task%%:*}
  path=${'$'}{task#?:}
  case $mode in
    prepare)
      case $kind in
        c)
          if [ -z "$canary" ] && mkdir "$path/$mark" 2>/dev/null; then
            canary=$path/$mark
            canaries
            path=$canary
            kind=o
            say made
            attempt
            look
            canaries
          fi
          ;;
        s)
          if (IFS= read -r line && printf '%s\n' "$line" > "$path/$mark"); then attempt; fi
          ;;
        w)
          attempt
          look
          rm -f "$path/$mark"
          ;;
        p) if [ -e "$path" ]; then say present; else say absent; fi ;;
        a | d | n) attempt ;;
      esac
      ;;
    try) attempt ;;
    finish)
      look
      case $kind in
        w | g | p | s) forget ;;
        q)
          forget
          if [ -d "$path" ]; then rmdir "$path" 2>/dev/null; fi
          ;;
        c) forget ;;
      esac
      ;;
  esac
done
position=0
say done
`;
