import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type HostPath, hostPath } from '@seedbed/host';

/** A task's folders on this machine, laid out as agent-codex does it, with a login in it. */
export interface TaskFolder extends AsyncDisposable {
  readonly root: HostPath;
  readonly workdir: HostPath;
  readonly codexHome: HostPath;
  /** Every path below the root, relative to it, sorted. */
  paths(): Promise<readonly string[]>;
  /** A program of the test's own, outside of the workdir. */
  program(name: string, script: string): Promise<string>;
}

export async function createTaskFolder(): Promise<TaskFolder> {
  const root = await mkdtemp('/var/tmp/seedbed-policy-');
  const workdir = join(root, 'work');
  const codexHome = join(workdir, 'home', '.codex');
  await mkdir(codexHome, { recursive: true, mode: 0o700 });
  await writeFile(join(codexHome, 'auth.json'), '{"OPENAI_API_KEY":"sk-canary"}', { mode: 0o600 });
  return {
    root: hostPath(root),
    workdir: hostPath(workdir),
    codexHome: hostPath(codexHome),
    paths: async () => (await readdir(root, { recursive: true })).sort(),
    program: async (name, script) => {
      const path = join(root, name);
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      return path;
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
