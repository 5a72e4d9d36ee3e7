import type { Connection } from '../connection/connection.ts';
import { openScript } from '../link/remote-script.ts';
import { scriptResult } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';

/** The process of sshd that serves one connection: its number and start time. */
export interface ServerProcess {
  readonly pid: string;
  readonly startTime: string;
}

/** Sets `start` to the start time of process `p` (field 22 of /proc/p/stat, behind a name that may hold anything), if sshd serves a connection with it. */
const LOOK = `
start=
case $(tr '\\000' ' ' 2>/dev/null <"/proc/$p/cmdline") in
  sshd:\\ *@*|sshd-session:\\ *@*) s=$(cat "/proc/$p/stat" 2>/dev/null) && s=\${s##*) } && set -f && set -- $s && start=\${20} ;;
esac`;

/** `undefined` when it cannot be known: another server than OpenSSH's may serve all connections with one process. */
export async function serverProcess(
  link: SshLink,
  connection: Connection,
): Promise<ServerProcess | undefined> {
  const attempt = 'see which process serves the connection';
  const script = await openScript(link, `p=$PPID${LOOK}\nsay "$p:$start"`, { attempt, repeatable: true });
  script.channel.end();
  await Promise.all([script.stdout.stream.cancel(), script.stderr.stream.cancel()]);
  // The shell may have come from another connection.
  if (script.lost !== connection.lost) return undefined;
  const [, pid, startTime] = /^(\d+):(\d+)$/.exec(script.answer) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid, startTime };
}

/** Ends what serves a connection that is gone on this side, of which the host may not know yet: until it does, its ports and sockets are taken. */
export async function endServerProcess(link: SshLink, { pid, startTime }: ServerProcess): Promise<void> {
  const script = `p=${pid} n=0
while [ "$n" -lt 40 ]; do${LOOK}
  [ "$start" = ${startTime} ] || exit 0
  case $n in 0) kill "$p" ;; 20) kill -s KILL "$p" ;; esac
  n=$((n + 1))
  sleep 0.05 2>/dev/null || sleep 1
done`;
  await scriptResult(link, script, {
    attempt: 'end what serves a broken connection',
    repeatable: true,
    slow: true,
  });
}
