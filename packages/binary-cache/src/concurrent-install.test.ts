import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cp, lutimes, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { scratchFolder } from '../test/scratch-folder.ts';
import { type ToolPackage, toolPackage } from '../test/tool-release.ts';
import { createBinaryCache } from './binary-cache.ts';
import type { CachedBinary } from './ensure-binary.ts';
import { fileSource } from './file-source.ts';
import { artifactFor } from './release.ts';

interface Stage extends AsyncDisposable {
  readonly tool: ToolPackage;
  readonly folder: string;
  start(): Program;
  ensure(): Promise<CachedBinary>;
  names(what: 'trees' | 'incoming' | 'entries'): Promise<string[]>;
}

interface Program {
  readonly process: ChildProcess;
  /** What it says, line by line, to its end. */
  readonly said: AsyncIterable<Record<string, unknown>>;
}

async function stage(ballast: number): Promise<Stage> {
  const resources = new AsyncDisposableStack();
  const home = resources.use(await scratchFolder()).path;
  const tool = await toolPackage({ ballast });
  const archive = join(home, 'tool.tgz');
  const folder = join(home, 'cache');
  await writeFile(archive, tool.tarball);
  const { integrity } = artifactFor(tool.release, { os: 'linux', arch: 'x64' });
  const start = (): Program => {
    const script = join(import.meta.dirname, '../test/install-child.ts');
    const process_ = spawn(process.execPath, [script, folder, archive, integrity], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    resources.defer(() => void process_.kill('SIGKILL'));
    return { process: process_, said: parsedLines(process_) };
  };
  return {
    tool,
    folder,
    start,
    ensure: async () => {
      await using host = createLocalHost();
      return await createBinaryCache({
        sources: [fileSource({ path: archive })],
        directory: hostPath(folder),
      }).ensure(host, tool.release);
    },
    names: (what) => readdir(join(folder, 'v1', what)),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function* parsedLines(child: ChildProcess): AsyncGenerator<Record<string, unknown>> {
  if (child.stdout === null) return;
  for await (const line of createInterface(child.stdout)) yield JSON.parse(line);
}

async function lastWord(program: Program): Promise<Record<string, unknown>> {
  let last: Record<string, unknown> = {};
  for await (const line of program.said) last = line;
  return last;
}

test('of eight programs that start on one empty cache all get the same, whole tree, and nothing else is left', async () => {
  await using it = await stage(200_000);
  const found = await Promise.all(Array.from({ length: 8 }, () => lastWord(it.start())));
  const paths = new Set(found.map(({ path }) => path));
  expect(paths.size).toBe(1);
  const [path] = paths;
  expect(execFileSync(String(path), { encoding: 'utf8' })).toBe('tool 1.0.0\n');
  expect(found.filter(({ origin }) => origin === 'file')).toHaveLength(1);
  expect(await it.names('trees')).toHaveLength(1);
  expect(await it.names('incoming')).toEqual([]);
});

test('eight programs that meet a damaged tree all get a whole one', async () => {
  await using it = await stage(200_000);
  const first = await it.ensure();
  await rm(join(first.root, 'lib/data'));
  const found = await Promise.all(Array.from({ length: 8 }, () => lastWord(it.start())));
  for (const { path } of found) expect(execFileSync(String(path), { encoding: 'utf8' })).toBe('tool 1.0.0\n');
  const settled = await it.ensure();
  expect(settled).toMatchObject({ origin: 'cache' });
  expect(settled.path).not.toBe(first.path);
});

// Each line that a program says is a place to kill it; the larger numbers fall into unpacking and verifying.
test.each([1, 2, 4, 8, 12, 16, 20, 24, 28])(
  'a program killed after %i signs of progress spoils nothing for the next',
  async (count) => {
    await using it = await stage(2_000_000);
    const program = it.start();
    let seen = 0;
    for await (const _ of program.said) {
      seen += 1;
      if (seen === count) program.process.kill('SIGKILL');
    }
    const next = await it.ensure();
    expect(execFileSync(next.path, { encoding: 'utf8' })).toBe('tool 1.0.0\n');
    expect(await it.ensure()).toMatchObject({ origin: 'cache', path: next.path });
  },
);

test('what a killed install left is removed once it gave no sign of life for long; what may live is left alone', async () => {
  await using it = await stage(1_000);
  const first = await it.ensure();
  const incoming = join(it.folder, 'v1', 'incoming');
  const [dead, live, foreign] = [
    'tool-1.0.0-linux-x64.00000000000000aa',
    'tool-1.0.0-linux-x64.00000000000000bb',
    'notes',
  ];
  const old = new Date(Date.now() - 3_600_000);
  for (const name of [dead, live, foreign]) {
    await mkdir(join(incoming, name, 'files'), { recursive: true });
    await writeFile(join(incoming, name, 'alive'), '');
  }
  for (const name of [dead, foreign]) await utimes(join(incoming, name, 'alive'), old, old);
  for (const name of [live, dead, foreign]) await utimes(join(incoming, name), old, old);
  await rm(join(first.root, 'lib/data'));
  await it.ensure();
  expect((await it.names('incoming')).sort()).toEqual([foreign, live].sort());
});

test('a part of an archive that nobody continued for a day is removed; what is younger, or not of this making, stays', async () => {
  await using it = await stage(1_000);
  const first = await it.ensure();
  const incoming = join(it.folder, 'v1', 'incoming');
  const digest = (letter: string): string => letter.repeat(128);
  const forgotten = [`${digest('a')}.part`, `${digest('a')}.part.123`, `${digest('b')}.lock`];
  const stays = [`${digest('c')}.part`, 'notes.part'];
  const [dayAgo, hoursAgo] = [new Date(Date.now() - 25 * 3_600_000), new Date(Date.now() - 23 * 3_600_000)];
  for (const name of [...forgotten, ...stays]) {
    const path = join(incoming, name);
    if (name.endsWith('.lock')) await symlink('somebody.1.2', path);
    else await writeFile(path, 'some bytes');
    const time = name.startsWith('c') ? hoursAgo : dayAgo;
    await lutimes(path, time, time);
  }
  await rm(join(first.root, 'lib/data'));
  await it.ensure();
  expect((await it.names('incoming')).sort()).toEqual(stays.sort());
});

test('a tree whose install died before its entry was made is removed when old, not when new', async () => {
  await using it = await stage(1_000);
  const first = await it.ensure();
  const [tree = ''] = await it.names('trees');
  const [old, young] = ['tool-1.0.0-linux-x64.00000000000000aa', 'tool-1.0.0-linux-x64.00000000000000bb'];
  const trees = join(it.folder, 'v1', 'trees');
  for (const name of [old, young]) await cp(join(trees, tree), join(trees, name), { recursive: true });
  const past = new Date(Date.now() - 3_600_000);
  await utimes(join(trees, old), past, past);
  await rm(join(first.root, 'lib/data'));
  await it.ensure();
  const left = await it.names('trees');
  expect(left).not.toContain(old);
  expect(left).toContain(young);
});
