import { readdir, readlink } from 'node:fs/promises';
import { killIfThere } from './kill-if-there.ts';

/** Ends every process that works in a folder: on an SSH host somebody waits there for eleven minutes for a program that was killed to come back. */
export async function killBelow(folder: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    if (cwd.startsWith(`${folder}/`)) killIfThere(Number(pid));
  }
}
