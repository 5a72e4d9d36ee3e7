import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type HostPath, hostPath } from '../src/host-path.ts';

/** A disk of a few hundred kilobytes. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: HostPath;
  /** From now on nothing can be written to it. */
  makeReadOnly(): Promise<void>;
}

/** Why no disk can be made here, `undefined` when one can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform === 'linux' && process.getuid?.() === 0) return undefined;
  return 'only root, on Linux, can mount a small disk';
}

const run = promisify(execFile);

export async function mountSmallDisk(): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path]);
  return {
    path: hostPath(path),
    async makeReadOnly() {
      await run('mount', ['-o', 'remount,ro', path]);
    },
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
      await rm(path, { recursive: true });
    },
  };
}
