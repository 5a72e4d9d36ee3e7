import { readFileSync } from 'node:fs';

/** A process of this machine: its number, and where the system tells, when it began, so that a later one of the same number is another. */
export function ownProcessName(): string {
  return `${process.pid}-${statOf(process.pid)?.start ?? 0}`;
}

/**
 * Whether the process of this name may still run. In doubt it does not: what it had can then be taken twice, which is harmless, rather than never. One that has ended and that its parent
 * never asked about, as in containers whose first process does not, runs no more.
 */
export function isAlive(name: string): boolean {
  const [pidText = '', start = ''] = name.split('-');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (start !== '0') {
    const stat = statOf(pid);
    return stat?.start === start && !ENDED.has(stat.state);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (failure) {
    return failure instanceof Error && 'code' in failure && failure.code === 'EPERM';
  }
}

/** Zombie, and dead (proc_pid_stat(5)). */
const ENDED = new Set(['Z', 'X', 'x']);

interface ProcessStat {
  /** One letter. */
  readonly state: string;
  /** In ticks since the machine's. */
  readonly start: string;
}

/** As Linux says it; `undefined` where there is no such process, or no Linux. */
function statOf(pid: number): ProcessStat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name stands in parentheses, and may hold any character.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[19]];
    return state === undefined || start === undefined ? undefined : { state, start };
  } catch {
    return undefined;
  }
}
