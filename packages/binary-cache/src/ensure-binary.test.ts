import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, rmSync, symlinkSync, utimesSync } from 'node:fs';
import { cp, link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { distant } from '../test/distant-host.ts';
import { scratchFolder } from '../test/scratch-folder.ts';
import { type ToolPackage, toolPackage } from '../test/tool-release.ts';
import { type BinaryCache, createBinaryCache } from './binary-cache.ts';
import type { BinaryProgress, BinarySource } from './binary-source.ts';
import type { CachedBinary } from './ensure-binary.ts';
import { fileSource } from './file-source.ts';
import type { CheckDepth } from './tree-check.ts';

const isRoot = process.getuid?.() === 0;

interface Stage extends AsyncDisposable {
  readonly host: Host;
  readonly tool: ToolPackage;
  readonly home: string;
  /** The cache's folder. */
  readonly folder: string;
  readonly archive: string;
  cache(options?: { sources?: readonly BinarySource[]; check?: CheckDepth; folder?: string }): BinaryCache;
}

async function stage(): Promise<Stage> {
  const resources = new AsyncDisposableStack();
  const home = resources.use(await scratchFolder()).path;
  const host = resources.use(createLocalHost());
  const tool = await toolPackage({ ballast: 100_000 });
  const archive = join(home, 'tool.tgz');
  await writeFile(archive, tool.tarball);
  const folder = join(home, 'cache');
  return {
    host,
    tool,
    home,
    folder,
    archive,
    cache: ({ sources = [fileSource({ path: archive })], check = 'facts', folder: other = folder } = {}) =>
      createBinaryCache({ sources, check, directory: hostPath(other) }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function run(binary: CachedBinary): string {
  return execFileSync(binary.path, ['--version'], { encoding: 'utf8' });
}

const leftovers = (folder: string): Promise<string[]> => readdir(join(folder, 'v1', 'incoming'));
const trees = (folder: string): Promise<string[]> => readdir(join(folder, 'v1', 'trees'));

test('the first call installs, the second finds the same', async () => {
  await using it = await stage();
  const first = await it.cache().ensure(it.host, it.tool.release);
  expect(first).toMatchObject({ origin: 'file', delivery: 'push', version: '1.0.0' });
  expect(first).not.toHaveProperty('replaced');
  expect(run(first)).toBe('tool 1.0.0\n');
  expect(first.path.startsWith(`${first.root}/`)).toBe(true);
  const { path, root, version } = first;
  const found = { path, root, version, origin: 'cache' };
  expect(await it.cache({ sources: [] }).ensure(it.host, it.tool.release)).toEqual(found);
  expect(await leftovers(it.folder)).toEqual([]);
});

test('the whole tree is there, writable by its owner alone', async () => {
  await using it = await stage();
  const { root } = await it.cache().ensure(it.host, it.tool.release);
  expect((await readdir(root, { recursive: true })).sort()).toEqual([
    'bin',
    'bin/tool',
    'lib',
    'lib/companion',
    'lib/data',
  ]);
  expect((await stat(join(root, 'lib/companion'))).mode & 0o7777).toBe(0o755);
  expect((await stat(join(root, 'lib/data'))).mode & 0o7777).toBe(0o644);
  expect((await stat(root)).mode & 0o7777).toBe(0o755);
});

test('the cache is found by CODEX_CACHE_DIR, else XDG_CACHE_HOME, else the home', async () => {
  await using it = await stage();
  const cache = createBinaryCache({ sources: [fileSource({ path: it.archive })] });
  const under = async (env: Record<string, string>): Promise<string> => {
    const { PATH } = process.env;
    await using host = createLocalHost({
      env: { PATH, HOME: it.home, ...env },
      inherit: ['CODEX_CACHE_DIR', 'XDG_CACHE_HOME'],
    });
    return (await cache.ensure(host, it.tool.release)).path;
  };
  expect(await under({})).toContain(`${it.home}/.cache/seedbed/bin/v1/`);
  expect(await under({ XDG_CACHE_HOME: `${it.home}/xdg` })).toContain(`${it.home}/xdg/seedbed/bin/v1/`);
  expect(await under({ XDG_CACHE_HOME: 'relative' })).toContain(`${it.home}/.cache/seedbed/bin/v1/`);
  expect(await under({ XDG_CACHE_HOME: `${it.home}/xdg`, CODEX_CACHE_DIR: `${it.home}/own` })).toContain(
    `${it.home}/own/v1/`,
  );
});

test('progress goes from resolve to ready, and bytes never beyond the total', async () => {
  await using it = await stage();
  const steps: BinaryProgress[] = [];
  await it.cache().ensure(it.host, it.tool.release, { onProgress: (step) => steps.push(step) });
  const phases = steps.map(({ phase }) => phase).filter((phase, at, all) => phase !== all[at - 1]);
  expect(phases).toEqual(['resolve', 'verify', 'push', 'unpack', 'verify', 'ready']);
  for (const { bytes, totalBytes } of steps) expect(bytes).toBeLessThanOrEqual(totalBytes ?? bytes);
});

test('tasks that start together on one host share one install', async () => {
  await using it = await stage();
  const cache = it.cache();
  const found = await Promise.all(Array.from({ length: 24 }, () => cache.ensure(it.host, it.tool.release)));
  expect(new Set(found.map(({ path }) => path)).size).toBe(1);
  expect(await trees(it.folder)).toHaveLength(1);
});

test('who aborts leaves alone; the others get their binary', async () => {
  await using it = await stage();
  const cache = it.cache();
  const abort = new AbortController();
  const leaving = cache.ensure(it.host, it.tool.release, { signal: abort.signal });
  const staying = cache.ensure(it.host, it.tool.release);
  abort.abort();
  await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
  await expect(staying).resolves.toMatchObject({ origin: 'file' });
});

test('who throws on progress fails alone', async () => {
  await using it = await stage();
  const cache = it.cache();
  const throwing = cache.ensure(it.host, it.tool.release, {
    onProgress: () => {
      throw new Error('not listening');
    },
  });
  const other = cache.ensure(it.host, it.tool.release);
  await expect(throwing).rejects.toThrow('not listening');
  await expect(other).resolves.toMatchObject({ version: '1.0.0' });
});

test('an aborted install leaves nothing but the archive, for the next to go on with', async () => {
  await using it = await stage();
  const abort = new AbortController();
  const ensured = it.cache().ensure(it.host, it.tool.release, {
    signal: abort.signal,
    onProgress: ({ phase }) => {
      if (phase === 'unpack') abort.abort();
    },
  });
  await expect(ensured).rejects.toMatchObject({ code: 'aborted' });
  await expect.poll(() => leftovers(it.folder)).toEqual([expect.stringMatching(/^[0-9a-f]{128}\.part$/)]);
  expect(await trees(it.folder)).toEqual([]);
  const pushed: number[] = [];
  await it.cache().ensure(it.host, it.tool.release, {
    onProgress: ({ phase, bytes }) => {
      if (phase === 'push') pushed.push(bytes);
    },
  });
  expect(pushed).toEqual([it.tool.tarball.byteLength]);
  expect(await leftovers(it.folder)).toEqual([]);
});

const damages: readonly [string, (binary: CachedBinary, tree: string) => void | Promise<void>][] = [
  ['is truncated', ({ root }) => writeFile(join(root, 'lib/data'), 'short')],
  ['has other bytes of the same size', ({ path }) => flipLastByte(path)],
  ['lost a companion', ({ root }) => rm(join(root, 'lib/companion'))],
  ['lost its program', ({ path }) => rm(path)],
  ['lost its exec bit', ({ path }) => chmodSync(path, 0o644)],
  ['became writable by everybody', ({ path }) => chmodSync(path, 0o777)],
  ['has a folder that the group can write', ({ root }) => chmodSync(join(root, 'lib'), 0o775)],
  ['got an extra program', ({ root }) => writeFile(join(root, 'bin/other'), '', { mode: 0o755 })],
  ['got an extra link', ({ root }) => symlinkSync('/etc/passwd', join(root, 'lib/link'))],
  ['has a link in place of a file', ({ root }) => replaceByLink(join(root, 'lib/data'))],
  ['has no manifest', (_, tree) => rm(join(tree, 'manifest.json'))],
  ['has a pipe for a manifest', (_, tree) => replaceByPipe(join(tree, 'manifest.json'))],
  ['has half a manifest', (_, tree) => halve(join(tree, 'manifest.json'))],
  [
    'has the manifest of another version',
    (_, tree) => rewrite(join(tree, 'manifest.json'), '"version":"1.0.0"', '"version":"2.0.0"'),
  ],
  [
    'has a manifest that leads outside',
    (_, tree) =>
      rewrite(join(tree, 'manifest.json'), 'package/vendor/any/lib/data', '../../../../../etc/passwd'),
  ],
  ['is gone', (_, tree) => rename(tree, `${tree}.gone`)],
];

test.each(
  damages.flatMap(([what, damage]) => [
    ['near', what, damage, (host: Host) => host] as const,
    ['distant', what, damage, distant] as const,
  ]),
)('on a %s host a tree that %s is replaced, not trusted', async (_where, _what, damage, place) => {
  await using it = await stage();
  const host = place(it.host);
  const first = await it.cache().ensure(host, it.tool.release);
  const tree = first.path.slice(0, first.path.indexOf('/files/'));
  await damage(first, tree);
  const second = await it.cache().ensure(host, it.tool.release);
  expect(second).toMatchObject({ origin: 'file', replaced: expect.stringMatching(/./) });
  expect(second.path).not.toBe(first.path);
  expect(run(second)).toBe('tool 1.0.0\n');
  expect(await it.cache({ sources: [] }).ensure(host, it.tool.release)).toMatchObject({
    origin: 'cache',
    path: second.path,
  });
});

test('bytes changed behind an unchanged size and time are found by the check of digests', async () => {
  await using it = await stage();
  const first = await it.cache().ensure(it.host, it.tool.release);
  const { atime, mtime } = await stat(first.path);
  await flipLastByte(first.path);
  utimesSync(first.path, atime, mtime);
  expect(await it.cache({ check: 'digests' }).ensure(it.host, it.tool.release)).toMatchObject({
    replaced: expect.stringContaining('bin/tool has other bytes'),
  });
});

test.each([
  ['a folder', (entry: string) => mkdir(join(entry, 'x'), { recursive: true })],
  ['a file', (entry: string) => writeFile(entry, '')],
  ['a link that leads elsewhere', (entry: string) => symlinkSync('/usr/bin', entry)],
])('an entry that is %s is replaced', async (_what, squat) => {
  await using it = await stage();
  await it.cache().ensure(it.host, it.tool.release);
  const entries = join(it.folder, 'v1', 'entries');
  const [name = ''] = await readdir(entries);
  rmSync(join(entries, name));
  await squat(join(entries, name));
  const again = await it.cache().ensure(it.host, it.tool.release);
  expect(again.replaced).toBeDefined();
  expect(run(again)).toBe('tool 1.0.0\n');
  await stat('/usr/bin/env');
});

test('a tree of which a file belongs to somebody else is replaced', async (context) => {
  if (!isRoot) return context.skip('needs root');
  await using it = await stage();
  const first = await it.cache().ensure(it.host, it.tool.release);
  chownSync(first.path, 12_345, 12_345);
  expect(await it.cache().ensure(it.host, it.tool.release)).toMatchObject({
    replaced: expect.stringContaining('owner'),
  });
});

test.each(['.', 'entries', 'trees', 'incoming'])(
  'a cache of which everybody can write %s is refused with what to do',
  async (place) => {
    await using it = await stage();
    await it.cache().ensure(it.host, it.tool.release);
    chmodSync(join(it.folder, 'v1', place), 0o777);
    await expect(it.cache().ensure(it.host, it.tool.release)).rejects.toMatchObject({
      code: 'cache-untrusted',
      message: expect.stringContaining('CODEX_CACHE_DIR'),
    });
  },
);

test('a program keeps running from a tree that is replaced under it', async () => {
  await using it = await stage();
  const first = await it.cache().ensure(it.host, it.tool.release);
  await rm(join(first.root, 'lib/data'));
  const second = await it.cache().ensure(it.host, it.tool.release);
  expect(second.path).not.toBe(first.path);
  expect(run(first)).toBe('tool 1.0.0\n');
});

test('a cache that was copied elsewhere is read once and then good', async () => {
  await using it = await stage();
  await it.cache().ensure(it.host, it.tool.release);
  const copy = join(it.home, 'copy');
  await cp(it.folder, copy, { recursive: true, verbatimSymlinks: true });
  const found = await it.cache({ sources: [], folder: copy }).ensure(it.host, it.tool.release);
  expect(found).toMatchObject({ origin: 'cache' });
  expect(found.path.startsWith(`${copy}/`)).toBe(true);
});

test('hard links to its files do no harm', async () => {
  await using it = await stage();
  const first = await it.cache().ensure(it.host, it.tool.release);
  await link(first.path, join(it.home, 'linked'));
  await expect(it.cache({ sources: [] }).ensure(it.host, it.tool.release)).resolves.toMatchObject({
    origin: 'cache',
  });
});

test('a program that prints another version is not installed', async () => {
  await using it = await stage();
  const other = await toolPackage({ version: '1.0.0', prints: 'tool 9.9.9\n' });
  await writeFile(it.archive, other.tarball);
  await expect(it.cache().ensure(it.host, other.release)).rejects.toMatchObject({
    code: 'functional-check-failed',
    message: expect.stringContaining('tool 9.9.9'),
  });
  expect(await trees(it.folder)).toEqual([]);
  expect(await leftovers(it.folder)).toEqual([]);
});

test('a file with another digest is refused before the host sees it', async () => {
  await using it = await stage();
  await writeFile(it.archive, (await toolPackage({ version: '2.0.0' })).tarball);
  await expect(it.cache().ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'integrity-mismatch',
  });
  expect(await trees(it.folder)).toEqual([]);
});

test('without a source the error says so, with each of several it has their reasons', async () => {
  await using it = await stage();
  await expect(it.cache({ sources: [] }).ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'no-source',
  });
  const sources = [fileSource({ path: '/nonexistent/a' }), fileSource({ path: '/nonexistent/b' })];
  await expect(it.cache({ sources }).ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'no-source',
    message: expect.stringMatching(/nonexistent\/a.*nonexistent\/b/),
  });
});

test('a source that has nothing lets the next one try', async () => {
  await using it = await stage();
  const sources = [fileSource({ path: '/nonexistent/a' }), fileSource({ path: it.archive })];
  await expect(it.cache({ sources }).ensure(it.host, it.tool.release)).resolves.toMatchObject({
    origin: 'file',
  });
});

test('an unpacked package is taken for what its program prints, only where that was said', async () => {
  await using it = await stage();
  const unpacked = join(it.home, 'unpacked');
  await mkdir(unpacked);
  execFileSync('tar', ['-xzf', it.archive, '-C', unpacked]);
  const path = join(unpacked, 'package');
  await expect(
    it.cache({ sources: [fileSource({ path })] }).ensure(it.host, it.tool.release),
  ).rejects.toMatchObject({
    code: 'source-refused',
    message: expect.stringContaining('functional'),
  });
  const vouched = it.cache({ sources: [fileSource({ path, trust: 'functional' })] });
  const found = await vouched.ensure(it.host, it.tool.release);
  expect(run(found)).toBe('tool 1.0.0\n');
  expect(await vouched.ensure(it.host, it.tool.release)).toMatchObject({ origin: 'cache' });
  // Who asks for the pinned digest never gets what was merely vouched for.
  const strict = await it.cache().ensure(it.host, it.tool.release);
  expect(strict).toMatchObject({ origin: 'file' });
  expect(strict.path).not.toBe(found.path);
  expect(strict).not.toHaveProperty('replaced');
});

test('an unpacked package with a link in it is refused', async () => {
  await using it = await stage();
  const unpacked = join(it.home, 'unpacked');
  await mkdir(unpacked);
  execFileSync('tar', ['-xzf', it.archive, '-C', unpacked]);
  symlinkSync('/etc/passwd', join(unpacked, 'package/vendor/any/lib/link'));
  const sources = [fileSource({ path: unpacked, trust: 'functional' })];
  await expect(it.cache({ sources }).ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'unsafe-archive',
  });
});

test('a release for other platforms is refused', async () => {
  await using it = await stage();
  const release = { ...it.tool.release, artifacts: {} };
  await expect(it.cache().ensure(it.host, release)).rejects.toMatchObject({ code: 'unsupported-platform' });
});

test.each(['../1.0.0', '1.0.0/..', '', '1 0'])('a release of version %j is refused', async (version) => {
  await using it = await stage();
  await expect(it.cache().ensure(it.host, { ...it.tool.release, version })).rejects.toMatchObject({
    code: 'invalid-release',
  });
});

test('a cache folder under a file cannot be created, which is told', async () => {
  await using it = await stage();
  const folder = join(it.archive, 'cache');
  await expect(it.cache({ folder }).ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'install-failed',
  });
});

test('a cache on a read-only disk gives what it has, and says why it takes nothing', async (context) => {
  if (!isRoot) return context.skip('needs root');
  await using it = await stage();
  await using disk = await mountedDisk(it.home, '8m');
  const options = { folder: disk.path };
  await it.cache(options).ensure(it.host, it.tool.release);
  execFileSync('mount', ['-o', 'remount,ro', disk.path]);
  await expect(it.cache(options).ensure(it.host, it.tool.release)).resolves.toMatchObject({
    origin: 'cache',
  });
  const other = await toolPackage({ version: '2.0.0' });
  await expect(it.cache(options).ensure(it.host, other.release)).rejects.toMatchObject({
    code: 'cache-unwritable',
    message: expect.stringContaining('CODEX_CACHE_DIR'),
  });
});

test('a full disk is told as such, and what was begun is removed', async (context) => {
  if (!isRoot) return context.skip('needs root');
  await using it = await stage();
  const big = await toolPackage({ ballast: 3_000_000 });
  await writeFile(it.archive, big.tarball);
  await using disk = await mountedDisk(it.home, '1m');
  await expect(it.cache({ folder: disk.path }).ensure(it.host, big.release)).rejects.toMatchObject({
    code: 'no-space',
  });
  expect(await leftovers(disk.path)).toEqual([]);
});

async function mountedDisk(home: string, size: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = join(home, 'disk');
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', path]);
  return { path, [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]) };
}

async function flipLastByte(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function replaceByLink(path: string): Promise<void> {
  await rename(path, `${path}.real`);
  symlinkSync('data.real', path);
}

async function halve(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.slice(0, text.length / 2));
}

async function rewrite(path: string, from: string, to: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
}

async function replaceByPipe(path: string): Promise<void> {
  await rm(path);
  execFileSync('mkfifo', [path]);
}
