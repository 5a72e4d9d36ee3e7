import type { HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { hostPath } from '../host-path.ts';
import { readText } from '../read-text.ts';

export interface LivingProcess {
  readonly pid: number;
  readonly argv: readonly string[];
}

/**
 * The living processes of a Linux host, this program's own left out, whose environment holds `entry` (`NAME=value`):
 * for tests that say that nothing was left behind. Sees those that the host's user may look into.
 */
export async function processesWithEnvironment(
  host: HostFiles,
  entry: string,
): Promise<readonly LivingProcess[]> {
  const found: LivingProcess[] = [];
  for await (const { name } of host.list(hostPath('/proc'))) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    if (!(await environmentOf(host, pid)).includes(entry)) continue;
    found.push({ pid, argv: (await procEntries(host, pid, 'cmdline')).slice(0, -1) });
  }
  return found;
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
