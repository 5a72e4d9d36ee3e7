import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readdir, readlink, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, HostError, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { scratchFolder } from '../test/scratch-folder.ts';
import { toolPackage } from '../test/tool-release.ts';
import { type BinaryCache, createBinaryCache } from './binary-cache.ts';
import type { CachedBinary } from './ensure-binary.ts';
import { fileSource } from './file-source.ts';

const dayMs = 24 * 3_600_000;
const ballast = 50_000;

interface Stage extends AsyncDisposable {
  readonly home: string;
  readonly host: Host;
  readonly cache: BinaryCache;
  /** Installs a version as if it had last been used that long ago. */
  install(version: string, ageMs: number): Promise<CachedBinary>;
  versions(): Promise<string[]>;
}

async function stage(): Promise<Stage> {
  const resources = new AsyncDisposableStack();
  const home = resources.use(await scratchFolder()).path;
  const host = resources.use(createLocalHost());
  const directory = hostPath(join(home, 'cache'));
  const cache = createBinaryCache({ sources: [], directory });
  return {
    home,
    host,
    cache,
    install: async (version, ageMs) => {
      const tool = await toolPackage({ version, ballast });
      const path = join(home, `tool-${version}.tgz`);
      await writeFile(path, tool.tarball);
      const installing = createBinaryCache({ sources: [fileSource({ path })], directory });
      const binary = await installing.ensure(host, tool.release);
      const then = new Date(Date.now() - ageMs);
      await utimes(join(directory, 'v1', 'used', treeOf(binary)), then, then);
      return binary;
    },
    versions: async () => (await cache.list(host)).map(({ release }) => release?.version ?? '').sort(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function treeOf({ path }: CachedBinary): string {
  return /\/trees\/([^/]+)\//.exec(path)?.[1] ?? '';
}

test('the list says what is there, how large, when used, and under which entry', async () => {
  await using it = await stage();
  expect(await it.cache.list(it.host)).toEqual([]);
  const binary = await it.install('1.0.0', 2 * dayMs);
  const [tree, ...others] = await it.cache.list(it.host);
  expect(others).toEqual([]);
  expect(tree).toMatchObject({
    id: treeOf(binary),
    release: { name: 'tool', version: '1.0.0' },
    running: false,
  });
  expect(tree?.bytes).toBeGreaterThan(ballast);
  expect(tree?.entries).toHaveLength(1);
  expect(Date.now() - (tree?.lastUsedMs ?? 0)).toBeGreaterThan(dayMs);
});

test('by age: what was not used for so long goes, a use renews', async () => {
  await using it = await stage();
  await it.install('1.0.0', 10 * dayMs);
  await it.install('2.0.0', 10 * dayMs);
  await it.install('3.0.0', 2 * dayMs);
  await it.cache.ensure(it.host, (await toolPackage({ version: '2.0.0', ballast })).release);
  const report = await it.cache.evict(it.host, { maxAgeMs: 5 * dayMs });
  expect(report.removed.map(({ release }) => release?.version)).toEqual(['1.0.0']);
  expect(await it.versions()).toEqual(['2.0.0', '3.0.0']);
  await expect(
    it.cache.ensure(it.host, (await toolPackage({ version: '1.0.0', ballast })).release),
  ).rejects.toMatchObject({ code: 'no-source' });
});

test('by size: the longest unused go until the rest fits', async () => {
  await using it = await stage();
  await it.install('1.0.0', 2 * dayMs);
  await it.install('2.0.0', 3 * dayMs);
  await it.install('3.0.0', 1 * dayMs);
  const report = await it.cache.evict(it.host, { maxBytes: 1.5 * ballast });
  expect(report.removed.map(({ release }) => release?.version)).toEqual(['2.0.0', '1.0.0']);
  expect(report.bytes).toBeLessThan(1.5 * ballast);
  expect(await it.versions()).toEqual(['3.0.0']);
});

test('what is to be kept stays, and is reported as spared', async () => {
  await using it = await stage();
  await it.install('1.0.0', 9 * dayMs);
  await it.install('2.0.0', 9 * dayMs);
  const report = await it.cache.evict(it.host, { maxBytes: 0, keep: [{ name: 'tool', version: '1.0.0' }] });
  expect(report.spared.map(({ release }) => release?.version)).toEqual(['1.0.0']);
  expect(await it.versions()).toEqual(['1.0.0']);
});

test('what was just handed out stays: its program may be starting', async () => {
  await using it = await stage();
  await it.install('1.0.0', 0);
  expect((await it.cache.evict(it.host, { maxBytes: 0 })).removed).toEqual([]);
  expect((await it.cache.evict(it.host, { maxBytes: 0, graceMs: 0 })).removed).toHaveLength(1);
});

test('what runs stays, however old; once it has ended it goes', async () => {
  await using it = await stage();
  const { root } = await it.install('1.0.0', 9 * dayMs);
  // A real program in the tree, as /proc shows it.
  await copyFile('/bin/sleep', join(root, 'bin/sleep'));
  const running = spawn(join(root, 'bin/sleep'), ['60']);
  await once(running, 'spawn');
  const ended = once(running, 'exit');
  try {
    const report = await it.cache.evict(it.host, { maxBytes: 0 });
    expect(report.spared).toMatchObject([{ running: true }]);
    const release = (await toolPackage({ version: '1.0.0', ballast })).release;
    expect((await it.cache.remove(it.host, release)).spared).toHaveLength(1);
    await stat(root);
  } finally {
    running.kill('SIGKILL');
    await ended;
  }
  expect((await it.cache.evict(it.host, { maxBytes: 0 })).removed).toHaveLength(1);
  await expect(stat(root)).rejects.toThrow();
});

test.each([
  ['is aborted', 'aborted'],
  ['fails', 'install-failed'],
])('an eviction whose second look %s leaves the tree and its entry where they were', async (how, code) => {
  await using it = await stage();
  const { path } = await it.install('1.0.0', 9 * dayMs);
  const abort = new AbortController();
  let isAside = false;
  const host: Host = {
    ...it.host,
    rename: async (from, to) => {
      await it.host.rename(from, to);
      if (!from.includes('/trees/')) return;
      isAside = true;
      if (how === 'is aborted') abort.abort(new Error('enough'));
    },
    spawn: async (...args) => {
      if (isAside && how === 'fails') throw new HostError('io', 'no more processes');
      return await it.host.spawn(...args);
    },
  };
  await expect(it.cache.evict(host, { maxBytes: 0, signal: abort.signal })).rejects.toMatchObject({ code });
  expect(isAside).toBe(true);
  await stat(path);
  expect(await it.versions()).toEqual(['1.0.0']);
  expect((await it.cache.list(it.host))[0]?.entries).toHaveLength(1);
  expect(await readdir(join(it.home, 'cache', 'v1', 'incoming'))).toEqual([]);
});

test('remove takes one release and leaves the others', async () => {
  await using it = await stage();
  await it.install('1.0.0', 0);
  await it.install('2.0.0', 0);
  const { release } = await toolPackage({ version: '1.0.0', ballast });
  expect((await it.cache.remove(it.host, release)).removed).toHaveLength(1);
  expect(await it.versions()).toEqual(['2.0.0']);
  expect((await it.cache.remove(it.host, release)).removed).toEqual([]);
});

test('what the cache did not make is never deleted', async () => {
  await using it = await stage();
  await it.install('1.0.0', 9 * dayMs);
  const v1 = join(it.home, 'cache', 'v1');
  const foreign = ['trees/my-notes', 'incoming/my-notes', 'entries/my-notes', 'used/my-notes'];
  for (const path of foreign) {
    await mkdir(join(v1, path), { recursive: true });
    await writeFile(join(v1, path, 'file'), 'mine');
    await utimes(join(v1, path), 0, 0);
  }
  await writeFile(join(it.home, 'cache', 'beside'), 'mine');
  await it.cache.evict(it.host, { maxBytes: 0, maxAgeMs: 0 });
  expect(await it.versions()).toEqual([]);
  for (const path of foreign) expect(await readdir(join(v1, path))).toEqual(['file']);
  await stat(join(it.home, 'cache', 'beside'));
});

test('a cache that is not there has nothing to list or evict', async () => {
  await using it = await stage();
  expect(await it.cache.evict(it.host, { maxBytes: 0 })).toEqual({ removed: [], spared: [], bytes: 0 });
  await expect(stat(join(it.home, 'cache'))).rejects.toThrow();
});

test('an evicted version is installed again when it is asked for', async () => {
  await using it = await stage();
  const first = await it.install('1.0.0', 9 * dayMs);
  await it.cache.evict(it.host, { maxBytes: 0 });
  const again = await it.install('1.0.0', 0);
  expect(again.origin).toBe('file');
  expect(again.path).not.toBe(first.path);
});

test('installs and evictions at the same time do not make each other fail', async () => {
  await using it = await stage();
  await it.install('1.0.0', 9 * dayMs);
  const installing = (async () => {
    for (let round = 0; round < 15; round += 1)
      await it.install('1.0.0', 9 * dayMs).catch(ignoreMissingMarker);
  })();
  for (let round = 0; round < 15; round += 1) await it.cache.evict(it.host, { maxBytes: 0, graceMs: 0 });
  await expect(installing).resolves.toBeUndefined();
  expect((await it.install('1.0.0', 0)).version).toBe('1.0.0');
});

test.each([
  [
    'a link to a tree that is gone',
    async (entry: string) => await symlink('../trees/tool-1.0.0-x.00000000000000aa', entry),
  ],
  ['a file', async (entry: string) => await writeFile(entry, '')],
])(
  'an install finds its way where the entry, %s, is taken away between its look and its switch',
  async (_what, squat) => {
    await using it = await stage();
    const { path } = await it.install('1.0.0', 0);
    const entries = join(it.home, 'cache', 'v1', 'entries');
    const [name = ''] = await readdir(entries);
    const entry = join(entries, name);
    await rm(entry);
    let squats = 0;
    const host: Host = {
      ...it.host,
      // Put there before the new tree is linked, and away once it was looked at.
      link: async (at, target, options) => {
        if (at === entry && squats === 0) {
          squats += 1;
          await squat(entry);
        }
        await it.host.link(at, target, options);
      },
      stat: async (at, options) => {
        const found = await it.host.stat(at, options);
        if (squats === 1 && (at === entry || at.includes('00000000000000aa'))) {
          squats += 1;
          await rm(entry);
        }
        return found;
      },
    };
    const tool = await toolPackage({ version: '1.0.0', ballast });
    const sources = [fileSource({ path: join(it.home, 'tool-1.0.0.tgz') })];
    const directory = hostPath(join(it.home, 'cache'));
    const again = await createBinaryCache({ sources, directory }).ensure(host, tool.release);
    expect(squats).toBe(2);
    expect(again.path).not.toBe(path);
    await stat(again.path);
    expect(await readlink(entry)).toBe(`../trees/${treeOf(again)}`);
  },
);

/** The marker that the stage sets the time of may be evicted with its tree. */
function ignoreMissingMarker(error: unknown): void {
  if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOENT') throw error;
}
