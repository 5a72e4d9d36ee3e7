import { readFileSync } from 'node:fs';

/** A process of this machine: its number, and where the system tells, when it began, so that a later one of the same number is another. */
export function ownProcessName(): string {
  return `${process.pid}-${startOf(process.pid) ?? 0}`;
}

/** Whether the process of this name may still run. In doubt it does not: what it had can then be taken twice, which is harmless, rather than never. */
export function isAlive(name: string): boolean {
  const [pidText = '', start = ''] = name.split('-');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  if (start !== '0') return startOf(pid) === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (failure) {
    return failure instanceof Error && 'code' in failure && failure.code === 'EPERM';
  }
}

/** The process's start in ticks since the machine's, as Linux says it. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The program's name stands in parentheses, and may hold any character.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
