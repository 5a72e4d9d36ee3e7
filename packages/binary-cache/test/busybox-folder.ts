import { execFileSync } from 'node:child_process';
import { existsSync, symlinkSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { TestContext } from 'vitest';

const busybox = ['/usr/bin/busybox', '/bin/busybox'].find((path) => existsSync(path));

/** Makes a folder that holds BusyBox under all of its names, to be a whole PATH. */
export async function busyboxFolder(context: TestContext, path: string): Promise<string> {
  if (busybox === undefined) return context.skip('install BusyBox (Debian: busybox)');
  await mkdir(path);
  for (const name of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
    symlinkSync(busybox, `${path}/${name}`);
  return path;
}
