/**
 * Keeps the place on the host where an archive arrives, for as long as it is talked to: its input ends with the program that talks, or with the link.
 *
 * Arguments: the folder for installs under way, the archive's sha512 in hexadecimal, who asks (a random word), the entry that is to be made, where the whole
 * archive is put, and how many looks of a fifth of a second another holder may make no headway: one that is known to live, and any other.
 *
 * It first waits until nobody else holds the place, and says `wait <bytes>` meanwhile, or `entered` when the entry has come or changed; then `have <bytes>`.
 * Then it does what it is told, a line each: `take <count>`, followed by so many bytes; `fetch <seconds> <largest> <address>`; `keep`; `restart`; `finish`.
 *
 * The holder is the target of a link, which only one program can create. What it guards are bytes that would be sent twice, not what is right: that the
 * digest decides. Who takes the place of a holder goes on in a copy, so that what the other may still write goes nowhere.
 */
export const landingScript: string = `umask 077
cd "$1" || exit 1
born() {
  IFS= read -r line 2>/dev/null </proc/$1/stat || return 0
  set -- \${line##*) }
  shift 19
  echo "$1"
}
digest=$2 who=$3 me=$3.$$.$(born $$) entry=$4 whole=$5 patience=$6 impatience=$7
part=$digest.part lock=$digest.lock own=$digest.part.$who.$$
holder() { readlink "$lock" 2>/dev/null; }
lives() {
  pid=\${1#*.} start=\${1##*.}
  pid=\${pid%%.*}
  if [ -n "$start" ]; then [ "$(born "$pid")" = "$start" ]; else kill -0 "$pid" 2>/dev/null; fi
}
entered() { readlink "$entry" 2>/dev/null; }
if stat -c %s / >/dev/null 2>&1; then format='-c %s'; else format='-f %z'; fi
size() { stat $format "$part" 2>/dev/null || echo 0; }
has_room() {
  # BusyBox calls a full disk an I/O error, and curl says only that it cannot write; cat says why.
  head -c 1048576 /dev/zero | cat >"$own" && rm -f "$own" && return
  rm -f "$own"
  return 1
}
nap() { sleep 0.2 2>/dev/null || sleep 1; }
have() { echo "have $(size)"; }
mine() { [ "$(holder)" = "$me" ] || { echo taken; exit 0; }; }
leave() {
  # Whoever ends it ends the whole group, what this starts included.
  trap '' HUP INT TERM PIPE
  rm -f "$own" "$own".*
  [ "$(holder)" != "$me" ] || rm -f "$lock"
}
trap leave EXIT
trap 'exit 1' HUP INT TERM PIPE

before=$(entered) told= looks=0 still=0 free=0 inherited=
until ln -s "$me" "$lock" 2>/dev/null && [ "$(holder)" = "$me" ]; do
  other=$(holder)
  if [ -z "$other" ]; then
    [ ! -e "$lock" ] || rm -rf "$lock"
    free=$((free + 1))
    if [ "$free" -gt 20 ]; then ln -s "$me" "$lock" || exit 1; break; fi
    continue
  fi
  if [ "$(entered)" != "$before" ]; then break; fi
  now=$(size)
  if [ "$now" != "$told" ] || [ "$looks" -ge 25 ]; then echo "wait $now"; looks=0; fi
  if [ "$now" != "$told" ]; then told=$now still=0; fi
  if lives "$other"; then limit=$patience; else limit=$impatience; fi
  case $other in "$who".*) limit=0 ;; esac
  if [ "$still" -ge "$limit" ]; then
    [ "$(holder)" != "$other" ] || rm -f "$lock"
    inherited=1
    continue
  fi
  free=0 still=$((still + 1)) looks=$((looks + 1))
  nap
done
if [ "$(entered)" != "$before" ]; then echo entered; exit 0; fi

[ ! -L "$part" ] || rm -f "$part"
[ -f "$part" ] || rm -rf "$part"
if [ -n "$inherited" ] && [ -f "$part" ]; then
  cp "$part" "$own" && mv -f "$own" "$part" || exit 1
fi

get() {
  if command -v curl >/dev/null; then
    printf 'url = "%s"\\n' "$3" |
      curl -fsSL --proto =http,https --proto-redir =http,https --connect-timeout "$2" -C - -o "$1" -K -
  elif command -v wget >/dev/null; then
    case $(wget --version 2>/dev/null) in
      *GNU*) wget -nv --tries=1 --connect-timeout="$2" -c -O "$1" "$3" ;;
      *) wget -q -c -O "$1" "$3" ;;
    esac
  else
    echo 'neither curl nor wget is installed' >&2
    return 127
  fi
}
fetch() {
  ulimit -f $((($2 + 511) / 512))
  had=$(size)
  get "$part" "$1" "$3" && return
  code=$?
  # Where the server cannot continue, the whole of it may still be had.
  [ "$had" -gt 0 ] && [ "$(size)" = "$had" ] && get "$own" "$1" "$3" && mv -f "$own" "$part" && return
  rm -f "$own"
  return "$code"
}

have
while read -r word first second third; do
  mine
  case $word in
    take)
      head -c "$first" >>"$part" || { has_room; exit 1; }
      mine
      have ;;
    fetch)
      # What ends it is a file that goes, which a full disk allows; a signal to a shell that has just been forked may be lost.
      true >"$own.busy" || exit 1
      (
        ( fetch "$first" "$second" "$third" ) >"$own.said" 2>&1
        mv -f "$own.busy" "$own.end.$?"
      ) </dev/null >/dev/null 2>&1 &
      looks=0
      while [ -e "$own.busy" ]; do
        nap
        looks=$((looks + 1))
        [ $((looks % 5)) -ne 0 ] || echo "at $(size)"
      done
      for code in "$own.end".*; do code=\${code##*.}; done
      [ "$code" = 0 ] || has_room || exit 1
      mine
      echo "fetched $code $(size) $(tr '\\n\\r' '  ' <"$own.said" | tail -c 300)"
      rm -f "$own".* ;;
    keep)
      if command -v sha512sum >/dev/null; then found=$(sha512sum <"$part")
      elif command -v shasum >/dev/null; then found=$(shasum -a 512 <"$part")
      else echo 'neither sha512sum nor shasum is installed' >&2; exit 1
      fi
      mine
      if [ "\${found%% *}" = "$digest" ]; then
        rm -f "$whole"
        ln "$part" "$whole" 2>/dev/null || cp "$part" "$whole" || exit 1
        echo kept
      else
        echo "other $(head -c 2 "$part" | od -An -tx1 | tr -d ' \\n')"
      fi ;;
    restart) rm -f "$part"; have ;;
    finish) rm -f "$part"; exit 0 ;;
  esac
done
`;
