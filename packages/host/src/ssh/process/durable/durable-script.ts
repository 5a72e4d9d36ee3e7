import type { CheckedCommand } from '../../../check-command.ts';
import { type HostPath, parentHostPath } from '../../../host-path.ts';
import { MARKER_NAME } from '../../../process-marker.ts';
import { shellWord } from '../../../shell-quoting.ts';
import { BORN } from '../../link/birth-script.ts';
import { END_MARKED, plainIds } from '../../link/guard.ts';
import { newToken } from '../../link/host-shell.ts';
import { becomeProgram, findProgram } from '../launch-script.ts';

/**
 * What lies in the folder of a durable process:
 * `in`, what was written to it, from the first byte to the last; `out` and `err`, what it printed; `exit`, its exit code once it has ended;
 * `hold`, the process whose end is the end of its input; `life`, the one whose end is the end of all; `attached`, who appends to `in` now;
 * `keeper`, the process that removes the folder of one that has ended, where nobody else does.
 */
export interface DurableProcess {
  readonly folder: HostPath;
  readonly markerIds: readonly string[];
  /** How long it goes on without anybody attached, in seconds. */
  readonly graceSeconds: number;
}

/** From where on its output is wanted, in bytes. */
export interface Offsets {
  readonly out: number;
  readonly err: number;
}

/** No signal that is meant for the program may end its plumbing; SIGKILL is for all. */
const UNMOVED = "trap '' INT HUP TERM USR1 USR2";

/**
 * Defines `follow <file> <process> <offset>`: shows a file from there on, as it grows, and ends after the last byte when the process has ended.
 * Only GNU's tail(1) can do that; elsewhere it is looked at five times a second, each time from where the last look ended.
 */
const FOLLOW = `if tail --pid=1 -c 0 /dev/null >/dev/null 2>&1
then follow() { exec tail --pid="$2" -s 0.1 -c +"$(($3 + 1))" -f "$1"; }
else follow() {
  exec 5<"$1"
  dd bs=1 skip="$3" count=0 <&5 2>/dev/null
  while kill -0 "$2" 2>/dev/null; do cat <&5; sleep 0.2; done
  cat <&5
}
fi`;

/**
 * Starts `$d/start` in a session of its own. Its first command ends its parent, which makes it an orphan: with `&` it and the program would ignore SIGINT and
 * SIGQUIT for good, and only some know `setsid -f`.
 */
function startApart(marker: string): string {
  const parent = 'SEEDBED_Q=$$ setsid /bin/sh "$0"; :';
  const environment = `${MARKER_NAME}=${shellWord(marker)} SEEDBED_P="$p" SEEDBED_E="$e"`;
  return `{ ${environment} /bin/sh -c '${parent}' "$d/start" </dev/null >/dev/null; } 2>/dev/null`;
}

const STARTED = 'kill -KILL "$SEEDBED_Q"; unset SEEDBED_Q';

/**
 * Starts the process under a supervisor in a session of its own, and attaches to it. Says `ok` and the supervisor's line of /proc/<pid>/stat, or `no` and a
 * code as a launch does; `no not-durable` where the host lacks setsid(1).
 *
 * @throws {HostError} `invalid-command`.
 */
export function startDurableScript(durable: DurableProcess, command: CheckedCommand): string {
  const end = newToken();
  return [
    findProgram(command),
    'setsid true 2>/dev/null || no not-durable',
    `d=${shellWord(durable.folder)}`,
    'm=$(umask); umask 077',
    BORN,
    ...sweep(durable),
    'mkdir "$d" && : >"$d/in" && : >"$d/out" && : >"$d/err" && mkfifo "$d/feed" "$d/ready" || no not-durable',
    // Room for what must be said also when the disk is full by then: it is written in place.
    `${inPlace("''", 'exit.new', '>')} && ${inPlace("''", 'attached', '>')} || no not-durable`,
    `cat >"$d/start" <<'${end}'`,
    supervisorScript(durable, command),
    end,
    'umask "$m"',
    startApart(command.env[MARKER_NAME] ?? ''),
    'IFS= read -r s <"$d/ready"',
    `S=\${s%% *}; set -- \${s##*") "}; shift 19; B=$1`,
    attachment(durable, { out: 0, err: 0 }, 'say "ok $s"'),
  ].join('\n');
}

/**
 * Reads its input from a follower of `in` that ends, after the last byte, when the process `hold` does; so whoever writes may come and go.
 */
function supervisorScript({ folder }: DurableProcess, command: CheckedCommand): string {
  return [
    STARTED,
    'rm -f "$0"',
    FOLLOW,
    `d=${shellWord(folder)}`,
    'p=$SEEDBED_P e=$SEEDBED_E; unset SEEDBED_P SEEDBED_E',
    // Caught, not ignored: the program must not inherit that.
    'trap : INT HUP TERM USR1 USR2',
    `( ${UNMOVED}; exec sleep 2147483647 ) & h=$!`,
    `( ${UNMOVED}; exec sleep 2147483647 ) & l=$!`,
    'echo "$h" >"$d/hold"; echo "$l" >"$d/life"',
    `( ${UNMOVED}; follow "$d/in" "$h" 0 >"$d/feed" ) &`,
    'IFS= read -r s </proc/$$/stat; echo "$s" >"$d/ready"',
    '(',
    becomeProgram(command),
    ') <"$d/feed" >>"$d/out" 2>>"$d/err"',
    'r=$?',
    `${inPlace('"$r"', 'exit.new', '1<>')} && mv "$d/exit.new" "$d/exit"`,
    // Waited for, as a zombie would pass for a living process.
    'kill -KILL "$h" "$l"; wait "$h"; wait "$l"',
  ].join('\n');
}

/** Writes a line over that of a file; all of them have the same length. */
function inPlace(words: string, file: string, redirection: '>' | '1<>'): string {
  return `printf '%-200s\\n' ${words} ${redirection}"$d/${file}"`;
}

/** Attaches again. Says `ok` and how many bytes of input have arrived, or `gone`. */
export function attachScript(
  durable: DurableProcess,
  supervisor: { readonly pid: number; readonly started: number },
  offsets: Offsets,
): string {
  return [
    BORN,
    `d=${shellWord(durable.folder)} S=${supervisor.pid} B=${supervisor.started}`,
    'if [ ! -f "$d/in" ]; then say gone; exit 0; fi',
    // A connection that is dead without knowing it could still append what was sent over it.
    'if read -r a ab c cb <"$d/attached" 2>/dev/null; then',
    '  if [ "$(born "$c")" = "$cb" ]; then kill -KILL "$c" 2>/dev/null; fi',
    '  i=0; while [ "$(born "$c")" = "$cb" ] && [ "$i" -lt 500 ]; do sleep 0.01; i=$((i + 1)); done',
    // Over a connection that lives, an attachment that something came before looks like one that broke: SIGALRM says that it is no exit.
    '  if [ "$(born "$a")" = "$ab" ]; then kill -ALRM "$a" 2>/dev/null; fi',
    'fi',
    attachment(durable, offsets, 'say "ok $(wc -c <"$d/in")"'),
  ].join('\n');
}

/**
 * Appends its input to `in`, and shows `out` and `err` until the supervisor is gone; then it ends as the process did. When its own input ends before that,
 * the connection is gone: it waits for somebody to attach anew, and ends the process when nobody does. Of its own signals, SIGKILL says that the supervisor was
 * killed, SIGALRM that the process goes on without this attachment: `in` takes no more, or somebody else has attached.
 */
function attachment(
  { folder, markerIds, graceSeconds }: DurableProcess,
  { out, err }: Offsets,
  greeting: string,
): string {
  return `trap '' INT HUP USR1 USR2 PIPE
${FOLLOW}
A="$$ $(born $$)"
# Waits for as long as somebody may still attach anew, and says whether nobody has. Where the folder was removed, nobody can have.
keep() {
  trap 'kill "$x" 2>/dev/null; exit 0' TERM
  # Whoever is slow to take it has it still.
  while lives "$t" "$T" || lives "$u" "$U"; do sleep 1 & x=$!; wait "$x"; done
  sleep ${graceSeconds} & x=$!
  wait "$x"
  ! read -r a ab r <"$d/attached" || [ -z "$a" ] || [ "$a $ab" = "$A" ]
}
exec 3<&0 4>&2 2>/dev/null
t= T= u= U= w= x=
# Somebody else attaches.
trap 'lives "$t" "$T" && kill -KILL "$t"; lives "$u" "$U" && kill -KILL "$u"; kill -TERM "$w"; kill "$x"; trap - ALRM; kill -ALRM $$' ALRM
${greeting}
cat <&3 >>"$d/in" & c=$!
${inPlace('"$A $c $(born "$c")"', 'attached', '1<>')}
read -r L <"$d/life"
( follow "$d/out" "$L" ${out} ) & t=$!
( follow "$d/err" "$L" ${err} >&4 ) & u=$!
T=$(born "$t") U=$(born "$u")
(
  trap 'kill -KILL "$x" "$y" 2>/dev/null; exit 0' TERM
  ( follow /dev/null "$L" 0 ) & x=$!
  # Where the supervisor alone was killed, nobody ends what stands for its life.
  ( while [ "$(born "$S")" = "$B" ]; do sleep 5; done; kill -KILL "$x" ) & y=$!
  wait "$x"
  kill -KILL "$y"
  kill -KILL "$c"
) >/dev/null 4>&- & w=$!
wait "$c"; q=$?
if [ -s "$d/exit" ] || [ "$(born "$S")" != "$B" ]; then
  # What was printed may still be asked for over another connection, and whoever has it removes the folder: but he may be gone.
  ( keep && rm -rf "$d" ) </dev/null >/dev/null 2>&1 3<&- 4>&- & k=$!
  echo "$k $(born "$k")" >"$d/keeper"
  if read -r r <"$d/exit"; then exit "$r"; fi
  sleep 0.3; kill -KILL "$t" "$u"
  kill -KILL $$
fi
kill -KILL "$t" "$u"; kill -TERM "$w"; w=
# It could not append, although there was something to append.
if [ "$q" = 1 ]; then kill -ALRM $$; fi
exec 3<&- 4>&- </dev/null >/dev/null
keep || { kill -ALRM $$; exit 0; }
l='${plainIds(markerIds).join(' ')}'${END_MARKED}
finish
rm -rf ${shellWord(folder)}`;
}

/**
 * Removes what others have left beside the folder: those that a crash of the host, or somebody who killed everything, has kept from it. They are told by what is in
 * them, belong to this user, are of nobody who lives, and have not been touched for longer than anybody may still attach.
 */
function sweep({ folder, graceSeconds }: DurableProcess): readonly string[] {
  const minutes = Math.ceil(graceSeconds / 60) + 1;
  return [
    // A name that begins with a dot is not looked at.
    `for o in ${shellWord(parentHostPath(folder))}/*; do`,
    '  if [ -p "$o/feed" ] && [ -p "$o/ready" ] && [ -f "$o/attached" ] && [ -f "$o/life" ] && [ -O "$o" ] && [ ! -L "$o" ]; then',
    '    a= ab= L= k= kb=',
    '    read -r a ab c cb <"$o/attached"; read -r L <"$o/life"; if [ -f "$o/keeper" ]; then read -r k kb <"$o/keeper"; fi',
    '    if ! lives "$a" "$ab" && ! lives "$k" "$kb" && ! kill -0 "$L" &&',
    `      [ -n "$(find "$o" -prune -mmin +${minutes})" ]; then rm -rf "$o"; fi`,
    '  fi',
    'done 2>/dev/null',
  ];
}

/** Removes the folder of a process that has ended, and ends who waits to do it. */
export function removeDurableScript(folder: HostPath): string {
  return [
    BORN,
    `d=${shellWord(folder)}`,
    'if [ -f "$d/keeper" ] && read -r k b <"$d/keeper" && lives "$k" "$b"; then kill -TERM "$k"; fi',
    'rm -rf "$d"',
  ].join('\n');
}

/** Removes the folder of a process that has ended, where it is not known whose it is: nothing that is none, and none whose process lives. */
export function removeAbandonedScript(folder: HostPath): string {
  return [
    `d=${shellWord(folder)}`,
    'if [ -p "$d/feed" ] && [ -p "$d/ready" ] && [ -f "$d/attached" ] && read -r L <"$d/life" && ! kill -0 "$L"; then rm -rf "$d"; fi 2>/dev/null',
  ].join('\n');
}

/** Ends the input of the process, once so many bytes of it have arrived. Exits with 1 when they have not yet after a while: to be asked again, with nothing ended. */
export function endInputScript(folder: HostPath, bytes: number): string {
  return [
    `d=${shellWord(folder)} i=0`,
    'if [ ! -f "$d/in" ]; then exit 0; fi',
    `arrived() { [ "$(wc -c <"$d/in")" -ge ${bytes} ]; }`,
    'while { [ ! -s "$d/hold" ] || ! arrived; } && [ "$i" -lt 200 ]; do sleep 0.01; i=$((i + 1)); done',
    'if [ -f "$d/in" ] && ! arrived; then exit 1; fi',
    'if read -r h <"$d/hold"; then kill -KILL "$h" 2>/dev/null; fi',
    'exit 0',
  ].join('\n');
}
