import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

/** What a command printed and how it ended. */
export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A checkout, and a PATH on which there is nothing but an old Node and its npm. */
export interface OldMachine extends AsyncDisposable {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** Starts the bootstrap, in a process group of its own. */
  start(
    args: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; via?: readonly string[] },
  ): ChildProcess;
  run(
    args: readonly string[],
    options?: { env?: NodeJS.ProcessEnv; via?: readonly string[] },
  ): Promise<Ended>;
}

/**
 * The oldest Node on PATH that the bootstrap has to replace; `undefined` on a machine that has only newer ones.
 */
export function findOldNode(): string | undefined {
  const folders = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('.toolchain'));
  return folders
    .map((folder) => join(folder, 'node'))
    .filter((file) => isExecutable(file))
    .find((file) => {
      const major = Number(
        execFileSync(file, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }),
      );
      return major >= 18 && major < 24;
    });
}

/**
 * A small checkout: this bootstrap, an empty lockfile, and as `demo` the program that is given.
 * Its npm cache is the repository's own, so that Node is downloaded once and not for every test.
 */
export async function oldMachine(oldNode: string, demo: string): Promise<OldMachine> {
  const root = await mkdtemp(join(tmpdir(), 'seedbed-bootstrap-'));
  await mkdir(join(root, 'apps/demo/src'), { recursive: true });
  await mkdir(join(root, 'bin'));
  await mkdir(join(root, '.toolchain'));
  await mkdir(join(ROOT, '.toolchain/npm-cache'), { recursive: true });
  await symlink(join(ROOT, '.toolchain/npm-cache'), join(root, '.toolchain/npm-cache'));
  for (const file of ['.node-version', 'package.json', 'pnpm-workspace.yaml'])
    await cp(join(ROOT, file), join(root, file));
  for (const file of ['run.mjs', 'src'])
    await cp(join(ROOT, 'tooling/bootstrap', file), join(root, 'tooling/bootstrap', file), {
      recursive: true,
    });
  await writeManifest(root, { devDependencies: {} });
  await writeFile(join(root, 'pnpm-lock.yaml'), "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n");
  await writeFile(join(root, 'apps/demo/src/main.ts'), demo);

  const tools: readonly [string, string][] = [
    ['node', oldNode],
    ['npm', join(oldNode, '../npm')],
    ...['sh', 'env'].map((name): [string, string] => [name, join('/bin', name)]),
  ];
  for (const [name, target] of tools) await symlink(target, join(root, 'bin', name));
  // What is in the cache is not asked for again: a registry that hesitates is no matter of these tests.
  const npm = { npm_config_prefer_offline: 'true' };
  const env = { ...withoutPnpmSettings(process.env), ...npm, PATH: join(root, 'bin') };
  const start: OldMachine['start'] = (args, options = {}) => {
    const [program = '', ...rest] = [
      ...(options.via ?? []),
      join(root, 'bin/node'),
      'tooling/bootstrap/run.mjs',
      ...args,
    ];
    return spawn(program, rest, { cwd: root, env: { ...env, ...options.env }, detached: true });
  };
  return {
    root,
    env,
    start,
    run: (args, options) => ending(start(args, options)),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

/** Replaces members of the checkout's package.json. */
export async function writeManifest(root: string, members: object): Promise<void> {
  const manifest = { name: 'checkout', private: true, type: 'module', packageManager: pinnedPnpm() };
  const scripts = { demo: 'node tooling/bootstrap/run.mjs demo' };
  await writeFile(join(root, 'package.json'), JSON.stringify({ ...manifest, scripts, ...members }));
}

function pinnedPnpm(): string {
  return execFileSync(process.execPath, ['-p', 'require("./package.json").packageManager'], {
    cwd: ROOT,
    encoding: 'utf8',
  }).trim();
}

/** What npm, pnpm and turbo told this test run, an old machine has not heard. */
function withoutPnpmSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !/^(npm_(?!config_)|pnpm_|TURBO_|VITEST|NODE_ENV|NODE_OPTIONS)/.test(name),
    ),
  );
}

export async function ending(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return await new Promise((resolveEnded, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolveEnded({ stdout, stderr, code, signal }));
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
