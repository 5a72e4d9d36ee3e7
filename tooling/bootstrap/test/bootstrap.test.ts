import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { ending, findOldNode, type OldMachine, oldMachine, writeManifest } from './old-machine.ts';

const SAYS_VERSION = 'console.log(process.version, ...process.argv.slice(2));';
/** Counts the interrupts it gets from the first one on, for a while, then leaves with that count as its exit code. */
const COUNTS_INTERRUPTS = `
let count = 0;
process.on('SIGINT', () => {
  count += 1;
  if (count === 1) setTimeout(() => { console.log('interrupts:' + count); process.exit(40 + count); }, 1500);
});
console.log('ready');
setTimeout(() => {}, 200000);
`;

/** npm's settings of whoever runs the tests, which name the registry. */
const userConfig = (): string => process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc');

/** Downloads of 60 MB may be part of it. */
const SLOW = 240_000;

const oldNode = findOldNode();
const NO_OLD_NODE = 'there is no Node from 18 to 23 on PATH';

describe('on a machine that has only an old Node and npm', { timeout: SLOW }, () => {
  beforeEach((context) => {
    if (oldNode === undefined) context.skip(NO_OLD_NODE);
  });
  const machine = (demo: string): Promise<OldMachine> => oldMachine(oldNode ?? '', demo);

  test('a first start fetches what is missing, once, in a line each, and a second says nothing', async () => {
    await using checkout = await machine(SAYS_VERSION);
    const home = join(checkout.root, 'home');
    const first = await checkout.run(['demo', 'a', 'b c'], {
      env: { HOME: home, npm_config_userconfig: userConfig() },
    });
    expect(first.stderr.match(/fetching Node\.js/g)).toHaveLength(1);
    expect(first.stderr.match(/fetching pnpm/g)).toHaveLength(1);
    expect(first.stderr.match(/installing the dependencies/g)).toHaveLength(1);
    expect(first.stderr.trim().split('\n')).toHaveLength(3);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v24\.\d+\.\d+ a b c\n$/) });

    // Nothing is written outside of the checkout.
    expect(existsSync(home)).toBe(false);

    const second = await checkout.run(['demo']);
    expect(second).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^v24/) });
  });

  test('two starts at once share one download and both get through', async () => {
    await using checkout = await machine(SAYS_VERSION);
    const both = await Promise.all([checkout.run(['demo']), checkout.run(['demo'])]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const said = both.map(({ stderr }) => stderr).join('');
    expect(said.match(/^seedbed: fetching Node\.js/gm)).toHaveLength(1);
    expect(said.match(/^seedbed: installing the dependencies/gm)).toHaveLength(1);
  });

  test('a start that was killed half-way leaves nothing that the next one takes for whole', async () => {
    await using checkout = await machine(SAYS_VERSION);
    const toolchain = join(checkout.root, '.toolchain');
    const child = checkout.start(['demo']);
    const ended = ending(child);
    await vi.waitUntil(async () => (await readdir(toolchain)).some((name) => name.startsWith('incoming-')), {
      interval: 2,
      timeout: 60_000,
    });
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await ended;

    const next = await checkout.run(['demo']);
    expect(next).toMatchObject({ code: 0, stdout: expect.stringMatching(/^v24/) });
    expect((await readdir(toolchain)).filter((name) => name.startsWith('incoming-'))).toEqual([]);
  });

  describe('what is wrong is said with what to do', () => {
    test('npm is missing', async () => {
      await using checkout = await machine(SAYS_VERSION);
      await rm(join(checkout.root, 'bin/npm'));
      const { code, stderr } = await checkout.run(['demo']);
      expect(code).toBe(1);
      expect(stderr).toContain('npm is needed');
      expect(stderr).not.toContain('    at ');
    });

    test('the registry cannot be reached', async () => {
      await using checkout = await machine(SAYS_VERSION);
      await rm(join(checkout.root, '.toolchain/npm-cache'));
      const { code, stderr } = await checkout.run(['demo'], {
        env: { npm_config_registry: 'http://127.0.0.1:1/' },
      });
      expect(code).toBe(1);
      expect(stderr).toContain('could not be reached');
      expect(stderr).toContain('npm ping');
    });

    test('the platform has no ready-made Node', async () => {
      await using checkout = await machine(SAYS_VERSION);
      const pretend = 'data:text/javascript,Object.defineProperty(process,`arch`,{value:`sparc`})';
      const { code, stderr } = await checkout.run(['demo'], { env: { NODE_OPTIONS: `--import=${pretend}` } });
      expect(code).toBe(1);
      expect(stderr).toMatch(/no ready-made Node\.js for \w+-sparc.*Install Node\.js 24/s);
    });

    test('the disk is full', async (context) => {
      if (process.platform !== 'linux') context.skip('a small disk can be mounted on Linux only');
      await using checkout = await machine(SAYS_VERSION);
      await rm(join(checkout.root, '.toolchain/npm-cache'));
      const mount = `mount -t tmpfs -o size=8m small ${checkout.root}/.toolchain && exec "$@"`;
      const via = [
        '/usr/bin/unshare',
        ...(process.getuid?.() === 0 ? [] : ['-r']),
        '-m',
        '/bin/sh',
        '-c',
        `PATH=$PATH:/usr/bin:/bin; ${mount}`,
        'sh',
      ];
      const { code, stderr } = await checkout.run(['demo'], { via });
      if (/unshare failed|unshare: /.test(stderr)) context.skip('this machine allows no mount namespace');
      expect(code).toBe(1);
      expect(stderr).toContain('The disk is full');
    });

    test('there is no such command', async () => {
      await using checkout = await machine(SAYS_VERSION);
      const { code, stderr } = await checkout.run(['dmeo']);
      expect(code).toBe(1);
      expect(stderr).toContain('There are: demo, test, check');
    });
  });
});

describe('on that machine after a first start', { timeout: SLOW }, () => {
  let checkout: OldMachine;
  beforeAll(async () => {
    if (oldNode === undefined) return;
    checkout = await oldMachine(oldNode, SAYS_VERSION);
    await checkout.run(['demo']);
  }, SLOW);
  afterAll(async () => {
    await checkout?.[Symbol.asyncDispose]();
  });
  beforeEach((context) => {
    if (oldNode === undefined) context.skip(NO_OLD_NODE);
  });
  const demo = (program: string) => writeFile(join(checkout.root, 'apps/demo/src/main.ts'), program);

  test('dependencies are installed again only when a manifest or the lockfile changed', async () => {
    await demo(SAYS_VERSION);
    await writeManifest(checkout.root, { description: 'another one' });
    expect((await checkout.run(['demo'])).stderr).toContain('installing the dependencies');
    expect((await checkout.run(['demo'])).stderr).toBe('');

    await writeManifest(checkout.root, { dependencies: { zod: '4.6.7' } });
    const outdated = await checkout.run(['demo']);
    expect(outdated).toMatchObject({ code: 1, stdout: '' });
    expect(outdated.stderr).toContain('run "pnpm install"');
    await writeManifest(checkout.root, { description: 'another one' });
  });

  test('the exit code of the command is that of the start, and so is the signal that ended it', async () => {
    await demo('process.exit(37)');
    expect(await checkout.run(['demo'])).toMatchObject({ code: 37, signal: null });
    await writeFile(
      join(checkout.root, 'apps/demo/src/main.ts'),
      'process.kill(process.pid, "SIGKILL"); setTimeout(() => {}, 9999)',
    );
    expect(await checkout.run(['demo'])).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  test('a signal from another process reaches the command, and the start waits for its ending', async () => {
    await demo(
      'process.on("SIGTERM", () => setTimeout(() => process.exit(12), 300)); console.log("ready"); setTimeout(() => {}, 60000)',
    );
    const child = checkout.start(['demo']);
    const ended = ending(child);
    await once(child.stdout ?? process.stdin, 'data');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 12, signal: null });
  });

  test.each([
    ['node', ['tooling/bootstrap/run.mjs', 'demo']],
    ['npm', ['run', 'demo']],
  ])(
    'Ctrl-C in a terminal reaches the command once and the start waits, started by %s',
    async (program, args) => {
      await demo(COUNTS_INTERRUPTS);
      const { PATH = '' } = checkout.env;
      const terminal = spawn(join(checkout.root, 'bin', program), args, {
        cwd: checkout.root,
        env: { ...checkout.env, PATH },
      });
      let shown = '';
      const ended = new Promise<{ exitCode: number }>((resolve) => terminal.onExit(resolve));
      terminal.onData((text) => {
        if (!shown.includes('ready') && (shown + text).includes('ready')) terminal.write('\x03');
        shown += text;
      });
      await ended;
      expect(shown).toContain('interrupts:1');
    },
  );

  test('a tool that somebody damaged is fetched again', async () => {
    await demo(SAYS_VERSION);
    const [folder] = (await readdir(join(checkout.root, '.toolchain'))).filter((name) =>
      name.startsWith('node-'),
    );
    await rm(join(checkout.root, '.toolchain', folder ?? '', 'node_modules'), { recursive: true });
    expect(await checkout.run(['demo'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('fetching Node.js'),
    });
  });
});
