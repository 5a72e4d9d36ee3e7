import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Why no small disk can be made here, `undefined` when one can. */
export function whyNoSmallDisk(): string | undefined {
  if (process.platform === 'linux' && process.getuid?.() === 0) return undefined;
  return 'only root, on Linux, can mount a small disk';
}

const run = promisify(execFile);

/** A disk of 512 KiB, as long as it is needed. */
export async function mountSmallDisk(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'seedbed-disk-'));
  await run('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', path]);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run('umount', [path]);
      await rm(path, { recursive: true });
    },
  };
}
