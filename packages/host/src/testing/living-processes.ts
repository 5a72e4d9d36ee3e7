import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { hostPath } from '../host-path.ts';
import { readText } from '../read-text.ts';
import { run } from '../run.ts';

export interface LivingProcess {
  readonly pid: number;
  readonly argv: readonly string[];
}

/**
 * The living processes of a Linux host, this program's own left out, whose environment holds `entry` (`NAME=value`):
 * for tests that say that nothing was left behind. Sees those that the host's user may look into.
 */
export async function processesWithEnvironment(
  host: HostFiles | Host,
  entry: string,
): Promise<readonly LivingProcess[]> {
  const found: LivingProcess[] = [];
  for (const pid of 'spawn' in host ? await pidsThatMention(host, entry) : await allPids(host)) {
    if (pid === process.pid || !(await environmentOf(host, pid)).includes(entry)) continue;
    found.push({ pid, argv: (await procEntries(host, pid, 'cmdline')).slice(0, -1) });
  }
  return found;
}

async function allPids(host: HostFiles): Promise<readonly number[]> {
  const pids: number[] = [];
  for await (const { name } of host.list(hostPath('/proc'))) {
    if (/^\d+$/.test(name)) pids.push(Number(name));
  }
  return pids;
}

/** One command, where reading every process would be one each. BusyBox ends lines at NUL with -z only, or always. */
async function pidsThatMention(host: Host, entry: string): Promise<readonly number[]> {
  const script = 'for o in -lzF -lF; do grep $o -e "$1" /proc/[0-9]*/environ 2>/dev/null; done';
  const { stdout } = await run(host, { argv: ['sh', '-c', script, 'sh', entry] });
  return [...new Set(Array.from(stdout.matchAll(/^\/proc\/(\d+)\//gm), ([, pid]) => Number(pid)))];
}

/** The environment that a process of a Linux host was started with, as `NAME=value`; empty when it is gone or may not be looked into. */
export async function environmentOf(host: HostFiles, pid: number): Promise<readonly string[]> {
  return await procEntries(host, pid, 'environ');
}

async function procEntries(host: HostFiles, pid: number, file: string): Promise<string[]> {
  try {
    return (await readText(host, hostPath(`/proc/${pid}/${file}`))).split('\0');
  } catch (failure) {
    if (failure instanceof HostError && failure.code !== 'host-lost') return [];
    throw failure;
  }
}
