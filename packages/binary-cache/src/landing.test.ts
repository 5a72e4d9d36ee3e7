import { existsSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, joinHostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createMemoryHost, type MemoryHostOptions } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { scratchFolder } from '../test/scratch-folder.ts';
import { integrityOfBytes } from '../test/tool-release.ts';
import type { BinaryProgress } from './binary-source.ts';
import { type Landing, type LandingPatience, openLanding, partPath } from './landing.ts';

const bytes = Buffer.alloc(300_000, 'an archive');
const integrity = integrityOfBytes(bytes);

interface Stage extends AsyncDisposable {
  readonly host: Host;
  readonly folder: string;
  readonly part: string;
  readonly lock: string;
  /** Where a kept archive is. */
  readonly archive: string;
  readonly entry: string;
  open(options?: OpenOptions): Promise<Landing | undefined>;
  /** The same, where nobody else is in the way. */
  landing(options?: OpenOptions): Promise<Landing>;
}

interface OpenOptions {
  readonly holder?: string;
  readonly patience?: LandingPatience;
  readonly report?: (progress: BinaryProgress) => void;
  readonly host?: Host;
}

async function stage(env: Record<string, string> = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await scratchFolder()).path;
  const host = stack.use(createLocalHost({ env: { ...process.env, ...env } }));
  const layout = {
    root: folder,
    entries: joinHostPath(folder, 'entries'),
    trees: joinHostPath(folder, 'trees'),
    incoming: joinHostPath(folder, 'incoming'),
    used: joinHostPath(folder, 'used'),
  };
  for (const path of [layout.entries, layout.incoming]) await mkdir(path);
  const archive = joinHostPath(folder, 'archive');
  const open: Stage['open'] = async ({
    holder = 'a',
    patience,
    report = () => undefined,
    host: other,
  } = {}) => {
    const landing = await openLanding(other ?? host, {
      layout,
      integrity,
      holder,
      entry: 'tool',
      archive,
      signal: new AbortController().signal,
      report,
      ...(patience === undefined ? {} : { patience }),
    });
    if (landing !== undefined) resources.use(landing);
    return landing;
  };
  const resources = stack.move();
  const part = partPath(layout, integrity);
  return {
    host,
    folder,
    part,
    lock: part.replace(/part$/, 'lock'),
    archive,
    entry: join(layout.entries, 'tool'),
    open,
    landing: async (options) => {
      const landing = await open(options);
      if (landing === undefined) throw new Error('the entry is there');
      return landing;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function* pieces(first: number, end = bytes.byteLength): AsyncGenerator<Uint8Array> {
  for (let at = first; at < end; at += 65_536) yield bytes.subarray(at, Math.min(at + 65_536, end));
}

const send = (landing: Landing, end = bytes.byteLength): Promise<'done' | 'taken'> =>
  landing.take(end - landing.size, pieces(landing.size, end));

test('an archive arrives in pieces, is kept when its digest is right, and goes when it is not needed any more', async () => {
  await using it = await stage();
  const first = await it.landing();
  expect(first.size).toBe(0);
  await send(first, 100_000);
  await first[Symbol.asyncDispose]();
  expect(readFileSync(it.part).equals(bytes.subarray(0, 100_000))).toBe(true);
  const second = await it.landing();
  expect(second.size).toBe(100_000);
  await send(second);
  expect(await second.keep()).toEqual({ kind: 'right' });
  expect((await readFile(it.archive)).equals(bytes)).toBe(true);
  await second.finish();
  expect(await readdir(join(it.folder, 'incoming'))).toEqual([]);
  expect((await readFile(it.archive)).equals(bytes)).toBe(true);
});

test.for(['dash', 'bash', 'busybox'])('%s follows the script', async (shell, context) => {
  const program = ['/bin', '/usr/bin'].map((folder) => join(folder, shell)).find((path) => existsSync(path));
  if (program === undefined) return context.skip(`there is no ${shell}`);
  await using tools = await scratchFolder();
  await symlink(program, join(tools.path, 'sh'));
  await using it = await stage({ PATH: `${tools.path}:/usr/bin:/bin` });
  const first = await it.landing({ holder: 'a' });
  await send(first, 100_000);
  const waiting = Promise.withResolvers<void>();
  const opening = it.landing({ holder: 'b', report: () => waiting.resolve() });
  await waiting.promise;
  process.kill(Number(readlinkSync(it.lock).split('.')[1]), 'SIGTERM');
  const second = await opening;
  const options = { url: 'http://127.0.0.1:1/', connectSeconds: 5, maxBytes: 1e9, report: () => undefined };
  expect(await second.fetch(options)).not.toMatchObject({ code: 0 });
  expect(second.size).toBe(100_000);
  await send(second);
  expect(await second.keep()).toEqual({ kind: 'right' });
  await second.finish();
  expect(await readdir(join(it.folder, 'incoming'))).toEqual([]);
});

test('what has another digest is not kept, and is told apart from what is no archive at all', async () => {
  await using it = await stage();
  await writeFile(it.part, '<html>');
  const landing = await it.landing();
  expect(await landing.keep()).toEqual({ kind: 'wrong', gzip: false });
  await landing.restart();
  expect(landing.size).toBe(0);
  await landing.take(4, ReadableStream.from([Buffer.from([0x1f, 0x8b, 0, 0])]));
  expect(await landing.keep()).toEqual({ kind: 'wrong', gzip: true });
  expect(await readdir(it.folder)).not.toContain('archive');
});

test('a second program waits for the first, hears how far it is, and goes on from there', async () => {
  await using it = await stage();
  const first = await it.landing({ holder: 'a' });
  await send(first, 100_000);
  const waits: BinaryProgress[] = [];
  const heard = Promise.withResolvers<void>();
  const second = it.landing({
    holder: 'b',
    report: (progress) => {
      waits.push(progress);
      heard.resolve();
    },
  });
  await heard.promise;
  expect(waits[0]).toEqual({ phase: 'wait', bytes: 100_000 });
  await send(first, 200_000);
  await first[Symbol.asyncDispose]();
  expect((await second).size).toBe(200_000);
});

test('who waits is told when the entry has come', async () => {
  await using it = await stage();
  const first = await it.landing({ holder: 'a' });
  const waiting = Promise.withResolvers<void>();
  const second = it.open({ holder: 'b', report: () => waiting.resolve() });
  await waiting.promise;
  await symlink('../trees/one', it.entry);
  expect(await second).toBeUndefined();
  await first.finish();
});

test('a holder that was killed is followed, and what it brought is continued', async () => {
  await using it = await stage();
  const first = await it.landing({ holder: 'a' });
  await send(first, 100_000);
  const [, pid = ''] = readlinkSync(it.lock).split('.');
  process.kill(Number(pid), 'SIGKILL');
  const second = await it.landing({ holder: 'b', patience: { living: 1_000, unknown: 0.4 } });
  expect(second.size).toBe(100_000);
});

test('a holder whose number another process has got since is not taken for alive', async () => {
  await using it = await stage();
  await writeFile(it.part, bytes.subarray(0, 100_000));
  await symlink(`a.${process.pid}.1`, it.lock);
  const second = await it.landing({ holder: 'b', patience: { living: 1_000, unknown: 0.4 } });
  expect(second.size).toBe(100_000);
});

test('who was taken for dead is told so, and spoils nothing', async () => {
  await using it = await stage();
  const first = await it.landing({ holder: 'a' });
  const begun = Promise.withResolvers<void>();
  const going = Promise.withResolvers<void>();
  const late = first.take(
    196_608,
    (async function* () {
      yield bytes.subarray(0, 98_304);
      begun.resolve();
      await going.promise;
      yield Buffer.alloc(98_304, 'something else');
    })(),
  );
  await begun.promise;
  // How much of it is in the file is for `head` to say, which keeps the last block to itself.
  await expect.poll(() => lstatSync(it.part).size).toBeGreaterThan(0);
  const second = await it.landing({ holder: 'b', patience: { living: 0.4, unknown: 0.4 } });
  expect(second.size).toBeGreaterThan(0);
  await send(second, 150_000);
  going.resolve();
  expect(await late).toBe('taken');
  await send(second);
  expect(await second.keep()).toEqual({ kind: 'right' });
});

test('a program whose link broke takes its own place again at once', async () => {
  await using it = await stage();
  const first = await it.landing({ holder: 'a' });
  await send(first, 100_000);
  const second = await it.landing({ holder: 'a', patience: { living: 1_000, unknown: 1_000 } });
  expect(second.size).toBe(100_000);
  expect(await first.keep()).toBe('taken');
});

test.each([
  ['a folder', (path: string) => mkdir(join(path, 'x'), { recursive: true })],
  ['a link', (path: string) => symlink('../precious', path)],
  ['a link to nothing', (path: string) => symlink('nothing', path)],
])('%s in the place of the part is no part, and nothing behind it is touched', async (_what, squat) => {
  await using it = await stage();
  await writeFile(join(it.folder, 'precious'), 'precious');
  await squat(it.part);
  const landing = await it.landing();
  expect(landing.size).toBe(0);
  await send(landing);
  expect(await landing.keep()).toEqual({ kind: 'right' });
  expect(readFileSync(join(it.folder, 'precious'), 'utf8')).toBe('precious');
});

test.each([
  ['a file', (path: string) => writeFile(path, '')],
  ['a folder', (path: string) => mkdir(path)],
])('%s in the place of the lock holds nobody up', async (_what, squat) => {
  await using it = await stage();
  await squat(it.lock);
  expect((await it.landing()).size).toBe(0);
});

test('times on the host do not matter', async () => {
  await using it = await stage();
  await writeFile(it.part, bytes.subarray(0, 1_000));
  for (const time of [new Date(0), new Date(Date.now() + 1e10)]) {
    await utimes(it.part, time, time);
    const landing = await it.landing();
    expect(landing.size).toBe(1_000);
    await landing[Symbol.asyncDispose]();
  }
});

test('a host without a tool for the digest says so', async () => {
  await using tools = await scratchFolder();
  await using it = await stage({ PATH: tools.path });
  for (const name of ['sh', 'stat', 'head', 'cat', 'ln', 'rm', 'readlink', 'sleep', 'od', 'tr'])
    await symlink(`/bin/${name}`, join(tools.path, name));
  const landing = await it.landing();
  await send(landing);
  await expect(landing.keep()).rejects.toMatchObject({
    code: 'install-failed',
    message: expect.stringContaining('neither sha512sum nor shasum'),
  });
});

test.each([
  ['nonsense', 'good morning\n'],
  ['a size that is none', 'have -3\n'],
  ['a line without end', 'x'.repeat(10_000)],
])('a host that says %s is a typed failure', async (_what, said) => {
  await using it = await stage();
  const programs: MemoryHostOptions['programs'] = { sh: ({ print }) => print(said) };
  await using host = createMemoryHost({ programs });
  await expect(it.open({ host })).rejects.toMatchObject({ code: 'install-failed' });
});

test('a host that is lost meanwhile is told as lost', async () => {
  await using it = await stage();
  const programs: MemoryHostOptions['programs'] = {
    sh: async ({ print, killed }) => {
      await print('wait 5\n');
      await new Promise((resolve) => killed.addEventListener('abort', resolve));
    },
  };
  await using host = createMemoryHost({ programs });
  const opened = it.open({ host, report: () => host.lose() });
  await expect(opened).rejects.toMatchObject({ code: 'host-lost' });
});
