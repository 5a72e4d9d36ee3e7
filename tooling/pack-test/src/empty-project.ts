import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '@seedbed/tasks/workspace';

export interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** A folder with a package.json that knows nothing of this repository, as a user starts. */
export interface EmptyProject {
  readonly folder: string;
  install(specs: readonly string[]): Promise<Outcome>;
  /** Runs a program that the project's folder gets under this name. */
  runModule(name: string, text: string): Promise<Outcome>;
  run(program: string, args: readonly string[]): Promise<Outcome>;
}

/** Versions that the root of the repository pins and the project uses too. */
export function rootVersion(name: string): string {
  const manifest: { devDependencies: Record<string, string | undefined> } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  );
  return `${name}@${manifest.devDependencies[name] ?? 'latest'}`;
}

export async function emptyProject(folder: string): Promise<EmptyProject> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'empty', private: true, type: 'module' }),
  );
  const run = (program: string, args: readonly string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile(program, [...args], { cwd: folder, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, output: `${stdout}${stderr}`.trim() });
      });
    });
  // The cache lies inside the repository, like everything that its tools fetch.
  const cache = `--cache=${join(ROOT, '.toolchain/npm-cache')}`;
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', '--prefer-offline'];
  return {
    folder,
    run,
    install: (specs) => run('npm', ['install', '--prefix', folder, cache, ...quiet, ...specs]),
    async runModule(name, text) {
      await writeFile(join(folder, name), text);
      return await run(process.execPath, [name]);
    },
  };
}
