import type { EndableGroup } from '../../end-process.ts';
import { HostError } from '../../host-error.ts';
import {
  hasMarker,
  livingMembers,
  type ProcessIdentity,
  type ProcessRow,
  type ProcessTable,
  parseProcess,
  type TreeRoot,
} from '../../process-tree.ts';
import { shellWord } from '../../shell-quoting.ts';
import { scriptOutput } from '../link/script-output.ts';
import type { SshLink } from '../link/ssh-link.ts';

export interface RemoteProcessTree extends EndableGroup {
  /** Signals the processes of the leader's group. */
  signal(name: string): Promise<void>;
}

/** The processes on the host that come from one that was started there. Each look and each signal is one command on the host. */
export function remoteProcessTree(link: SshLink, root: TreeRoot): RemoteProcessTree {
  let known: readonly ProcessIdentity[] = [root.leader];
  const look = async (): Promise<readonly ProcessRow[]> => {
    const found = await livingMembers(await processTable(link, root), root, known);
    known = found;
    return found;
  };
  return {
    async signal(name) {
      const group = (await look()).filter((row) => row.group === root.leader.pid);
      await signalProcesses(link, group, name);
    },
    async signalAll(name) {
      await signalProcesses(link, await look(), name);
    },
    async countLiving() {
      return (await look()).length;
    },
  };
}

/**
 * grep puts the file's name before each line, so that a program's name with a line break in it cannot pass for another process.
 * Environments come in hexadecimal: what stands in one cannot pass for another.
 */
async function processTable(link: SshLink, { markerIds }: TreeRoot): Promise<ProcessTable> {
  const patterns = markerIds.map((id) => `-e ${shellWord(id)}`).join(' ');
  const script = [
    "grep -H '' /proc/[0-9]*/stat 2>/dev/null",
    'echo',
    ...markedScript(patterns),
    'for f in $m; do',
    `  printf '%s ' "$f"; od -An -v -tx1 <"$f" 2>/dev/null | tr -d ' \\n'; echo`,
    'done; exit 0',
  ].join('\n');
  const text = (
    await scriptOutput(link, script, { attempt: 'look at the processes of the host', repeatable: true })
  ).toString('latin1');
  const separator = text.indexOf('\n\n');
  if (separator < 0) throw new HostError('io', 'The host did not show its processes.');
  const marked = environments(text.slice(separator + 2));
  return {
    rows: statRows(text.slice(0, separator)),
    carriesMarker: (pid, ids) => hasMarker(marked.get(pid) ?? '', ids),
  };
}

function statRows(text: string): readonly ProcessRow[] {
  const stats = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, digits, rest = ''] = /^\/proc\/(\d+)\/stat:(.*)$/.exec(line) ?? [];
    const pid = Number(digits);
    if (digits !== undefined) stats.set(pid, `${stats.get(pid) ?? ''}${rest}\n`);
  }
  return [...stats].map(([pid, stat]) => parseProcess(pid, stat));
}

function environments(text: string): ReadonlyMap<number, string> {
  const found = new Map<number, string>();
  for (const line of text.split('\n')) {
    const [, digits, hex = ''] = /^\/proc\/(\d+)\/environ ([0-9a-f]*)$/.exec(line) ?? [];
    if (digits !== undefined) found.set(Number(digits), Buffer.from(hex, 'hex').toString('latin1'));
  }
  return found;
}

/**
 * Puts into `$m` the environments that hold one of the words. Where BusyBox has an option for lines that end with NUL it needs it, and elsewhere it
 * takes them so without it; a second look finds nothing new with GNU's grep.
 */
function markedScript(patterns: string): readonly string[] {
  const grep = (options: string): string =>
    `m=$(grep ${options} ${patterns} /proc/[0-9]*/environ 2>/dev/null)`;
  return [grep('-lzF'), `[ -n "$m" ] || ${grep('-lF')}`];
}

/** To each process that still is the one that was found. */
async function signalProcesses(
  link: SshLink,
  members: readonly ProcessIdentity[],
  name: string,
): Promise<void> {
  if (members.length === 0) return;
  const script = [
    'k() {',
    '  IFS= read -r l <"/proc/$1/stat" || return',
    // After the name, which may hold anything, the start is the twentieth field: see proc(5).
    `  p=$1 b=$2 n=$3; set -- \${l##*") "}; shift 19`,
    '  if [ "$1" = "$b" ]; then kill -s "$n" "$p"; fi',
    '}',
    ...members.map(({ pid, started }) => `k ${pid} ${started} ${name.replace(/^SIG/, '')} 2>/dev/null`),
    'exit 0',
  ].join('\n');
  await scriptOutput(link, script, { attempt: `send ${name} on the host`, repeatable: true });
}
