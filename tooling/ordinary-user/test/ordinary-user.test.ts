import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../../..');

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A checkout below a folder that only its owner may enter: what there is of it is this tool, and a package to run in. */
let checkout: string;
let parent: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'seedbed-ordinary-'));
  await chmod(parent, 0o700);
  checkout = join(parent, 'checkout');
  await cp(join(ROOT, 'package.json'), join(checkout, 'package.json'));
  for (const name of ['bootstrap', 'ordinary-user']) {
    for (const part of ['package.json', 'src']) {
      await cp(join(ROOT, 'tooling', name, part), join(checkout, 'tooling', name, part), { recursive: true });
    }
  }
  await cp(join(ROOT, 'tooling/ordinary-user/run.mjs'), join(checkout, 'tooling/ordinary-user/run.mjs'));
  const modules = join(checkout, 'tooling/ordinary-user/node_modules/@seedbed');
  await mkdir(modules, { recursive: true });
  await symlink('../../../bootstrap', join(modules, 'bootstrap'));
  await mkdir(join(checkout, 'packages/some'), { recursive: true });
});

afterEach(() => rm(parent, { recursive: true, force: true }));

function start(script: string, env: NodeJS.ProcessEnv = {}) {
  const args = ['../../tooling/ordinary-user/run.mjs', '--', 'sh', '-c', script];
  return spawn(process.execPath, args, {
    cwd: join(checkout, 'packages/some'),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function ended(child: ReturnType<typeof start>): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await once(child, 'close');
  return { code, signal, stdout: stdout.trim(), stderr };
}

const run = (script: string, env?: NodeJS.ProcessEnv): Promise<Ended> => ended(start(script, env));

test('the exit code of the command is passed on', async () => {
  expect(await run('exit 23')).toMatchObject({ code: 23, signal: null });
});

test('the signal that ends the command ends the tool', async () => {
  expect(await run('kill -KILL $$')).toMatchObject({ code: null, signal: 'SIGKILL' });
});

test('a signal to the tool reaches the command, which may end in its own way', async () => {
  const child = start('trap "exit 9" TERM; echo ready; while :; do sleep 0.1; done');
  const ending = ended(child);
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  expect(await ending).toMatchObject({ code: 9 });
});

describe('as root', () => {
  beforeEach((context) => {
    if (process.getuid?.() !== 0) context.skip('needs root, whose rights are given up');
  });

  test('the command runs as the user, in the same package, which only root could reach', async () => {
    const { stdout, stderr } = await run('id -un; pwd; id -G; grep CapEff /proc/self/status');
    expect(stderr).toBe('');
    const [name, folder, groups, capabilities] = stdout.split('\n');
    expect(name).toBe('seedbed-tests');
    expect(folder).toMatch(/packages\/some$/);
    expect(groups?.split(' ')).not.toContain('0');
    expect(capabilities).toMatch(/:\s*0+$/);
  });

  test('the command can write to its home, and to nothing in the checkout', async () => {
    const { stdout } = await run(
      'touch "$HOME/.written" && echo home; touch written || touch ../../written || echo no',
    );
    expect(stdout.split('\n')).toEqual(['home', 'no']);
  });

  test('what is mounted for it is seen by no other process', async () => {
    const child = start('echo ready; sleep 0.3');
    const ending = ended(child);
    await once(child.stdout, 'data');
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain('/var/lib/seedbed-tests');
    await ending;
  });

  test('credentials of the environment stay behind, the way to the registry comes along', async () => {
    const { stdout } = await run('env', { OPENAI_API_KEY: 'canary', NPM_TOKEN: 'canary', CI: 'true' });
    expect(stdout).not.toContain('canary');
    const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
    expect(stdout.split('\n')).toEqual(
      expect.arrayContaining(['CI=true', 'HOME=/home/seedbed-tests', `npm_config_registry=${registry}`]),
    );
  });

  test('node is the one that runs this test', async () => {
    expect((await run('node --version')).stdout).toBe(process.version);
  });

  test('the report that the command wrote is found in the package', async () => {
    await run('mkdir "$SEEDBED_WRITABLE/reports" && echo "{}" > "$SEEDBED_WRITABLE/reports/tests.json"');
    expect(await readFile(join(checkout, 'packages/some/.reports/tests.json'), 'utf8')).toBe('{}\n');
  });

  test('a report that is a link to what only root may read is left alone', async () => {
    const secret = join(parent, 'secret');
    await writeFile(secret, 'canary');
    await run(
      `mkdir "$SEEDBED_WRITABLE/reports" && ln -s '${secret}' "$SEEDBED_WRITABLE/reports/tests.json"`,
    );
    await expect(readFile(join(checkout, 'packages/some/.reports/tests.json'), 'utf8')).rejects.toThrow(
      'ENOENT',
    );
  });
});

test('a user who is not root gets the command run as it is', async () => {
  const { stdout } = await run('id -u; node ../../tooling/ordinary-user/run.mjs -- id -u');
  const [outer, inner] = stdout.split('\n');
  expect(outer).not.toBe('0');
  expect(inner).toBe(outer);
});

test('a call without a command says how it is used', async () => {
  const child = spawn(process.execPath, [join(checkout, 'tooling/ordinary-user/run.mjs')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(await ended(child)).toMatchObject({ code: 1, stderr: expect.stringContaining('Usage:') });
});
