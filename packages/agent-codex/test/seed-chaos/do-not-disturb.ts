import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Marks of processes that have shown a token to the provider and do not have the answer on a disk yet, or that take a file away. Whoever is killed then loses the token, its own or
 * another's, and nothing outside of it can prevent that: so such a moment is no moment to be killed.
 */
export interface Marks {
  /** From now on, until the returned function is called. */
  begin(): () => void;
}

let count = 0;

export function createMarks(folder: string): Marks {
  return {
    begin() {
      count += 1;
      const mark = join(folder, `${process.pid}-${count}`);
      writeFileSync(mark, '');
      return () => rmSync(mark, { force: true });
    },
  };
}

/** Kills a process, if this is no bad moment for it. The process stands still while that is looked up. */
export function killUndisturbed(pid: number, marks: string): boolean {
  try {
    process.kill(pid, 'SIGSTOP');
    const isBusy = readdirSync(marks).some((name) => name.startsWith(`${pid}-`));
    process.kill(pid, isBusy ? 'SIGCONT' : 'SIGKILL');
    return !isBusy;
  } catch {
    // It has ended by itself.
    return false;
  }
}

/**
 * Lets one program at a time refresh a login, or take its file away: Codex drops the answer to a refresh whose file is gone when it comes, which nothing outside of it can
 * prevent either.
 */
export async function alone<T>(authJson: string, work: () => Promise<T>): Promise<T> {
  const lock = `${authJson}.busy`;
  while (!taken(lock)) await sleep(20);
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function taken(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (failure) {
    // Where the folder is gone there is nothing to be disturbed.
    if (!(failure instanceof Error && 'code' in failure && failure.code === 'EEXIST')) return true;
    if (!isRunning(ownerOf(lock))) rmSync(lock, { force: true });
    return false;
  }
}

function ownerOf(lock: string): number {
  try {
    return Number(readFileSync(lock, 'utf8')) || process.pid;
  } catch {
    return process.pid;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
