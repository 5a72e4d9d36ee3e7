import { nextAnswer } from './answer-line.ts';
import { BORN } from './birth-script.ts';
import { newToken } from './host-shell.ts';
import { letGoOf, type Session } from './ssh-session.ts';

/**
 * A shell on the host that ends what a connection leaves behind: when its input ends without a word (the connection is gone), or when nothing was heard of
 * this program for five minutes (it is gone, and the host does not know yet, perhaps for hours); then it ends what serves the connection as well, and with that all its
 * other shells. Best effort: where the host has no place for it, nothing is guarded.
 */
export interface Guard {
  /** Has it there for the sake of the connection alone. */
  watch(): void;
  /** What carries one of these ids in `SEEDBED_PROCESS` is ended with the connection. */
  protect(ids: readonly string[]): void;
  release(ids: readonly string[]): void;
}

const HEARTBEAT: Heartbeat = { seconds: 60, misses: 5 };
/** An id that a caller chose could be anything, and these go through a shell's word splitting. */
const PLAIN_ID = /^[\w.:@-]+$/;

/** How often this program says that it is there, and how often it may fail to. */
export interface Heartbeat {
  readonly seconds: number;
  readonly misses: number;
}

/** Those that a shell takes for one word, whatever a caller chose. */
export function plainIds(ids: readonly string[]): readonly string[] {
  return ids.filter((id) => PLAIN_ID.test(id));
}

/** How often one that somebody has ended on the host is replaced. */
const MAX_REPLACEMENTS = 10;

/** `open` gives a waiting shell, or nothing where there is no room. It is asked for one when the first id comes, and when that shell was ended. */
export function createGuard(open: () => Promise<Session | undefined>, answerWithinMs: number): Guard {
  const ids = new Set<string>();
  let replacements = 0;
  let isOpening = false;
  let send: ((line: string) => void) | undefined;

  const begin = async (): Promise<void> => {
    if (isOpening || send !== undefined) return;
    isOpening = true;
    send = await start(open, { answerWithinMs, onEnd }).catch(() => undefined);
    isOpening = false;
    send?.(linesOf('+', [...ids]));
  };
  const onEnd = (): void => {
    send = undefined;
    replacements += 1;
    if (replacements <= MAX_REPLACEMENTS) void begin();
  };
  return {
    watch: () => void begin(),
    protect(wanted) {
      const plain = plainIds(wanted);
      for (const id of plain) ids.add(id);
      if (send === undefined) void begin();
      else send(linesOf('+', plain));
    },
    release(wanted) {
      const plain = plainIds(wanted);
      for (const id of plain) ids.delete(id);
      send?.(linesOf('-', plain));
    },
  };
}

function linesOf(sign: '+' | '-', ids: readonly string[]): string {
  return ids.map((id) => `${sign} ${id}\n`).join('');
}

interface StartOptions {
  readonly answerWithinMs: number;
  /** The guard was ended, and the connection was not. */
  readonly onEnd: () => void;
}

async function start(
  open: () => Promise<Session | undefined>,
  { answerWithinMs, onEnd }: StartOptions,
): Promise<((line: string) => void) | undefined> {
  const session = await open();
  if (session === undefined) return undefined;
  const { channel, lost } = session;
  const token = newToken();
  const script = Buffer.from(guardScript(token, HEARTBEAT));
  try {
    channel.write(`${script.length}\n`);
    channel.write(script);
    const attempt = 'guard the processes of the connection';
    await nextAnswer(session, token, { attempt, withinMs: answerWithinMs });
  } catch (failure) {
    letGoOf(session);
    throw failure;
  }
  channel.resume();
  channel.stderr.resume();
  const heartbeat = setInterval(() => channel.write('=\n'), HEARTBEAT.seconds * 1_000);
  heartbeat.unref();
  channel.once('close', () => {
    clearInterval(heartbeat);
    if (!lost.aborted) onEnd();
  });
  return (line) => {
    if (!lost.aborted && channel.writable) channel.write(line);
  };
}

/**
 * Ends all that carries one of the ids in `$l`, and the groups that they lead: first with SIGTERM, after two seconds with SIGKILL.
 * An id counts only where it stands in the marker, whole.
 */
export const END_MARKED = `
marked() {
  set --
  for i in $l; do set -- "$@" -e "$i"; done
  [ "$#" -gt 0 ] || return 0
  # BusyBox takes NUL for the end of a line with -z only, or always.
  m=$(grep -lzF "$@" /proc/[0-9]*/environ 2>/dev/null)
  [ -n "$m" ] || m=$(grep -lF "$@" /proc/[0-9]*/environ 2>/dev/null)
  for f in $m; do
    v=$(tr '\\000' '\\n' <"$f" 2>/dev/null | grep '^SEEDBED_PROCESS=')
    for i in $l; do
      case ",\${v#*=}," in *",$i,"*) f=\${f#/proc/}; echo "\${f%%/*}"; break ;; esac
    done
  done
}
finish() {
  trap '' HUP TERM INT
  for s in TERM TERM KILL KILL KILL KILL; do
    p=$(marked)
    [ -n "$p" ] || break
    for i in $p; do
      kill -s "$s" -- "-$i" 2>/dev/null
      kill -s "$s" "$i" 2>/dev/null
    done
    sleep 1
  done
}`;

/** A script that ends all that carries one of the ids, and says nothing. */
export function endMarkedScript(ids: readonly string[]): string {
  return `l='${plainIds(ids).join(' ')}'${END_MARKED}\nfinish`;
}

/** It says `ok` after the token, and then reads a line at a time: `+ id`, `- id`, or `=`, a sign of life. */
export function guardScript(token: string, { seconds, misses }: Heartbeat): string {
  return `l=' '${END_MARKED}
${BORN}
b=$(born $$) P=$PPID B=$(born "$PPID") q=
# Only what serves one login: another server than OpenSSH's may serve all of them with one process.
hang_up() {
  case $(tr '\\000' ' ' 2>/dev/null <"/proc/$P/cmdline") in
    sshd:\\ *@*|sshd-session:\\ *@*) if lives "$P" "$B"; then kill "$P"; fi ;;
  esac
}
trap '' PIPE
trap 'exit 0' HUP TERM INT
trap 'q=1; exit 0' USR2
trap 'kill "$w" 2>/dev/null; finish; if [ -n "$q" ]; then hang_up; fi' EXIT
(
  trap - EXIT INT
  trap 'n=0' USR1
  trap 'kill "$s" 2>/dev/null; exit 0' TERM HUP
  # Not before: a signal that is not trapped would end it.
  printf '\\n%s ok\\n' ${token}
  exec </dev/null >/dev/null 2>&1
  n=0
  # Somebody may have killed the guard; then its number can be anybody's.
  while lives $$ "$b" && [ "$n" -lt ${misses} ]; do n=$((n + 1)); sleep ${seconds} & s=$!; wait "$s"; done
  if lives $$ "$b"; then kill -s USR2 $$; fi
) &
w=$!
while read -r o i; do
  case $o in
    +) l="$l$i " ;;
    -) case $l in *" $i "*) l="\${l%% $i *} \${l#* $i }" ;; esac ;;
    =) kill -s USR1 "$w" ;;
  esac
done`;
}
