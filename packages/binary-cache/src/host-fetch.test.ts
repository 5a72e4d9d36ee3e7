import { execFileSync, spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, type TestContext, test } from 'vitest';
import { busyboxFolder } from '../test/busybox-folder.ts';
import { type FakeRegistry, startFakeRegistry } from '../test/fake-registry.ts';
import { scratchFolder } from '../test/scratch-folder.ts';
import { type TarEntry, type ToolPackage, toolEntries, toolPackage } from '../test/tool-release.ts';
import type { Delivery } from './archive-delivery.ts';
import { type BinaryCache, createBinaryCache } from './binary-cache.ts';
import type { BinaryProgress, BinarySource } from './binary-source.ts';
import type { CacheLimits } from './cache-limits.ts';
import { fileSource } from './file-source.ts';
import { integrityHex } from './integrity.ts';
import { npmRegistrySource } from './npm-registry/index.ts';
import { artifactFor } from './release.ts';

interface Stage extends AsyncDisposable {
  readonly host: Host;
  readonly tool: ToolPackage;
  readonly registry: FakeRegistry;
  readonly home: string;
  /** The cache's folder. */
  readonly folder: string;
  /** Where archives gather on this side. */
  readonly downloads: string;
  /** Where the archive gathers on the host. */
  readonly part: string;
  cache(delivery: Delivery, options?: CacheOptions): BinaryCache;
  /** Which programs have asked for the archive. */
  agents(): string[];
}

interface CacheOptions {
  /** More of npm's settings. */
  readonly npm?: Readonly<Record<string, string>>;
  readonly limits?: Partial<CacheLimits>;
}

interface StageOptions {
  readonly entries?: readonly TarEntry[];
  /** What the host has on its PATH. */
  readonly path?: (home: string) => Promise<string>;
}

async function stage(context: TestContext, { path, ...options }: StageOptions = {}): Promise<Stage> {
  for (const tool of ['curl', 'wget']) context.skip(!isInstalled(tool), `there is no ${tool}`);
  await using stack = new AsyncDisposableStack();
  const home = stack.use(await scratchFolder()).path;
  const tool = await toolPackage({ ballast: 300_000, ...options });
  const registry = stack.use(await startFakeRegistry(tool));
  const env = { ...process.env, ...(path && { PATH: await path(home) }) };
  const host = stack.use(createLocalHost({ env }));
  const folder = join(home, 'cache');
  const downloads = join(home, 'downloads');
  const { integrity } = artifactFor(tool.release, host.platform);
  const resources = stack.move();
  return {
    host,
    tool,
    registry,
    home,
    folder,
    downloads,
    part: join(folder, 'v1', 'incoming', `${integrityHex(integrity)}.part`),
    cache: (delivery, { npm = {}, limits = {} } = {}) => {
      const settings = { HOME: home, PATH: '', npm_config_registry: registry.url, ...npm };
      const source = npmRegistrySource({ env: settings, cwd: home, directory: downloads, retryDelayMs: 1 });
      return createBinaryCache({ sources: [source], directory: hostPath(folder), delivery, limits });
    },
    agents: () =>
      registry.requests
        .filter(({ path: asked }) => asked === '/files/tool.tgz')
        .map(({ agent = '' }) => agent.replace(/\/.*/, '')),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const isHost = ({ headers }: IncomingMessage): boolean => /^(curl|wget)/i.test(headers['user-agent'] ?? '');

/** To the host another answer than to this program. */
function answerHost(
  registry: FakeRegistry,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  registry.onTarball = (request, response) =>
    (isHost(request) ? answer : registry.sendTarball)(request, response);
}

function watched(): { readonly steps: BinaryProgress[]; onProgress(progress: BinaryProgress): void } {
  const steps: BinaryProgress[] = [];
  return { steps, onProgress: (progress) => void steps.push(progress) };
}

/** Where tests must be whole (CI), a missing tool is their failure. */
function isInstalled(tool: string): boolean {
  return process.env['CI'] !== undefined || spawnSync(tool, ['--version']).status === 0;
}

/** A PATH with the tools of this machine that a host needs, and these. */
function toolsFolder(...more: readonly string[]): (home: string) => Promise<string> {
  return async (home) => {
    const bin = join(home, 'bin');
    await mkdir(bin);
    const needed =
      'sh stat head cat ln rm mv readlink sleep od tr tail tar gzip find chmod mkdir cp ls sha256sum sha512sum';
    for (const name of [...needed.split(' '), ...more]) {
      const program = execFileSync('sh', ['-c', 'command -v "$0"', name], { encoding: 'utf8' }).trim();
      await symlink(program, join(bin, name));
    }
    return bin;
  };
}

const printed = (path: string): string => execFileSync(path, { encoding: 'utf8' });
const left = (it: Stage): Promise<string[]> => readdir(join(it.folder, 'v1', 'incoming'));

test('the host fetches from the registry that this machine is configured for; nothing passes through here', async (context) => {
  await using it = await stage(context);
  const { steps, onProgress } = watched();
  const installed = await it.cache('fetch').ensure(it.host, it.tool.release, { onProgress });
  expect(installed).toMatchObject({ origin: 'downloaded', delivery: 'fetch' });
  expect(installed).not.toHaveProperty('fetchFailure');
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  expect(it.agents()).toEqual(['curl']);
  expect(steps.map(({ phase }) => phase)).not.toContain('push');
  const size = it.tool.tarball.byteLength;
  expect(steps.findLast(({ phase }) => phase === 'fetch')).toEqual({ phase: 'fetch', bytes: size });
  await expect(readdir(it.downloads)).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await left(it)).toEqual([]);
});

test('what is sent from here and what the host fetched are one entry', async (context) => {
  await using it = await stage(context);
  const { path } = await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(await it.cache('push').ensure(it.host, it.tool.release)).toMatchObject({ origin: 'cache', path });
});

test('the address stands in no list of processes while the host fetches', async (context) => {
  context.skip(process.platform !== 'linux', 'needs /proc');
  await using it = await stage(context);
  const asked = Promise.withResolvers<() => void>();
  it.registry.onTarball = (request, response) =>
    asked.resolve(() => it.registry.sendTarball(request, response));
  const ensured = it.cache('fetch').ensure(it.host, it.tool.release);
  const answer = await asked.promise;
  const lines = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  expect(lines.some((line) => line.startsWith('curl\0'))).toBe(true);
  expect(lines.filter((line) => line.includes(it.registry.url))).toEqual([]);
  answer();
  await ensured;
});

test('a fetch goes on from what is there, whoever brought it', async (context) => {
  await using it = await stage(context);
  await mkdir(join(it.folder, 'v1', 'incoming'), { recursive: true });
  await writeFile(it.part, it.tool.tarball.subarray(0, 100_000));
  await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(it.registry.requests.at(-1)?.range).toBe('bytes=100000-');
});

test('what is there already as a whole is not asked for again', async (context) => {
  await using it = await stage(context);
  await mkdir(join(it.folder, 'v1', 'incoming'), { recursive: true });
  await writeFile(it.part, it.tool.tarball);
  await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(it.agents()).toEqual([]);
});

test.for(['ignores ranges', 'refuses ranges'])(
  'a server that %s gives the whole once more',
  async (how, context) => {
    await using it = await stage(context);
    await mkdir(join(it.folder, 'v1', 'incoming'), { recursive: true });
    await writeFile(it.part, it.tool.tarball.subarray(0, 100_000));
    it.registry.onTarball = (request, response) => {
      if (how === 'refuses ranges' && request.headers.range !== undefined)
        return void response.writeHead(416).end();
      response.writeHead(200, { 'content-length': it.tool.tarball.byteLength }).end(it.tool.tarball);
    };
    const installed = await it.cache('fetch').ensure(it.host, it.tool.release);
    expect(printed(installed.path)).toBe('tool 1.0.0\n');
  },
);

test('bytes that were wrong before are fetched anew', async (context) => {
  await using it = await stage(context);
  await mkdir(join(it.folder, 'v1', 'incoming'), { recursive: true });
  await writeFile(it.part, Buffer.alloc(100_000, 'wrong'));
  const installed = await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
});

test('a host that has only wget fetches with it', async (context) => {
  await using it = await stage(context, { path: toolsFolder('wget') });
  const installed = await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(installed).toMatchObject({ delivery: 'fetch' });
  expect(it.agents()).toEqual(['Wget']);
});

test('a host that has only BusyBox fetches with that, and goes on from what is there', async (context) => {
  await using it = await stage(context, { path: (home) => busyboxFolder(context, join(home, 'bin')) });
  await mkdir(join(it.folder, 'v1', 'incoming'), { recursive: true });
  await writeFile(it.part, it.tool.tarball.subarray(0, 100_000));
  const installed = await it.cache('fetch').ensure(it.host, it.tool.release);
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  expect(it.registry.requests.at(-1)).toMatchObject({ agent: 'Wget', range: 'bytes=100000-' });
});

test('a host that has nothing to fetch with says so, or gets it from here where that is allowed', async (context) => {
  await using it = await stage(context, { path: toolsFolder() });
  await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('neither curl nor wget'),
  });
  expect(await it.cache('auto').ensure(it.host, it.tool.release)).toMatchObject({
    delivery: 'push',
    fetchFailure: expect.stringContaining('neither curl nor wget'),
  });
});

test('a registry that refuses the host is told with what it said; with `auto` the archive is sent from here', async (context) => {
  await using it = await stage(context);
  answerHost(it.registry, (_request, response) => response.writeHead(403).end());
  await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('403'),
  });
  const { steps, onProgress } = watched();
  const installed = await it.cache('auto').ensure(it.host, it.tool.release, { onProgress });
  expect(installed).toMatchObject({ delivery: 'push', fetchFailure: expect.stringContaining('403') });
  expect(steps.map(({ phase }) => phase)).toContain('push');
  expect(await left(it)).toEqual([]);
});

test('with `auto` a registry that never answers the host holds it up for ten seconds', async (context) => {
  await using it = await stage(context);
  answerHost(it.registry, () => undefined);
  expect(await it.cache('auto').ensure(it.host, it.tool.release)).toMatchObject({
    delivery: 'push',
    fetchFailure: expect.stringContaining('10 s'),
  });
});

test('with `auto` a fetch that breaks is continued from here', async (context) => {
  await using it = await stage(context);
  const half = 150_000;
  answerHost(it.registry, (request, response) => {
    if (request.headers.range !== undefined) return void response.destroy();
    response.writeHead(200, { 'content-length': it.tool.tarball.byteLength });
    response.write(it.tool.tarball.subarray(0, half), () => setTimeout(() => response.destroy(), 200));
  });
  const { steps, onProgress } = watched();
  const installed = await it.cache('auto').ensure(it.host, it.tool.release, { onProgress });
  expect(installed).toMatchObject({ delivery: 'push' });
  expect(steps.find(({ phase }) => phase === 'push')?.bytes).toBe(half);
});

test('the page of a login portal is no archive: the host does not keep it', async (context) => {
  await using it = await stage(context);
  answerHost(it.registry, (_request, response) => response.writeHead(200).end('<html>log in</html>'));
  await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('portal'),
  });
  expect(await left(it)).toEqual([]);
  expect(await it.cache('auto').ensure(it.host, it.tool.release)).toMatchObject({ delivery: 'push' });
});

test('an archive with another digest is not installed, whatever the way', async (context) => {
  await using it = await stage(context);
  const other = await toolPackage({ version: '2.0.0' });
  answerHost(it.registry, (_request, response) => response.writeHead(200).end(other.tarball));
  await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'integrity-mismatch',
  });
  expect(await left(it)).toEqual([]);
  expect(await readdir(join(it.folder, 'v1', 'trees'))).toEqual([]);
});

test.for<[string, Record<string, string>]>([
  ['a token', { '//HOST/:_authToken': 'npm_secret' }],
  ['a token for a folder', { '//HOST/some/folder/:_authToken': 'npm_secret' }],
  ['a user and a password', { '//HOST/:username': 'me', '//HOST/:_password': 'bnBtX3NlY3JldA==' }],
  ['a certificate', { '//HOST/:certfile': '/npm_secret.crt', '//HOST/:keyfile': '/npm_secret.key' }],
])('where npm has %s for the registry, the host is not sent there', async ([, settings], context) => {
  await using it = await stage(context);
  const { host: server } = new URL(it.registry.url);
  const npm: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings))
    npm[`npm_config_${name.replace('HOST', server)}`] = value;
  const refused = it.cache('fetch', { npm }).ensure(it.host, it.tool.release);
  await expect(refused).rejects.toMatchObject({ code: 'source-refused' });
  await expect(refused).rejects.not.toThrow(/npm_secret|bnBt/);
  const installed = await it.cache('auto', { npm }).ensure(it.host, it.tool.release);
  expect(installed).toMatchObject({ delivery: 'push', fetchFailure: expect.stringContaining('credentials') });
  expect(it.agents()).not.toContain('curl');
});

test.for(['GNU', 'BusyBox'])(
  'an archive with a link in it is refused before the tar of %s unpacks it',
  async (tar, context) => {
    const link: TarEntry = { name: 'package/vendor/any/lib/link', type: 'symlink', linkname: '/etc/passwd' };
    const entries = [...toolEntries('tool 1.0.0\n'), link];
    await using it = await stage(
      context,
      tar === 'GNU' ? { entries } : { entries, path: (home) => busyboxFolder(context, join(home, 'bin')) },
    );
    await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
      code: 'unsafe-archive',
      message: expect.stringContaining('lib/link'),
    });
    expect(await left(it)).toEqual([]);
  },
);

test.for<[string, Partial<CacheLimits>]>([
  ['bytes of archive', { maxArchiveBytes: 100_000 }],
  ['bytes of files', { maxTreeBytes: 100_000 }],
  ['entries', { maxEntries: 2 }],
])('a host that fetches takes no more %s than the cache was told to', async ([, limits], context) => {
  await using it = await stage(context);
  await expect(it.cache('fetch', { limits }).ensure(it.host, it.tool.release)).rejects.toMatchObject({
    code: 'limit-exceeded',
  });
  expect(await left(it)).toEqual([]);
});

test.each([
  'ftp://127.0.0.1/tool.tgz',
  'http://me:secret@127.0.0.1/tool.tgz',
  'tool.tgz',
  'http://x\nfinish',
])('no host is sent to an address like %j', async (url) => {
  await using scratch = await scratchFolder();
  await using host = createLocalHost();
  const tool = await toolPackage();
  const source: BinarySource = {
    name: 'a source',
    origin: 'downloaded',
    evidence: { kind: 'digest' },
    obtain: () => Promise.reject(new Error('not asked for')),
    locate: async () => ({ url, compression: 'gzip' }),
  };
  const cache = createBinaryCache({ sources: [source], directory: scratch.path, delivery: 'fetch' });
  await expect(cache.ensure(host, tool.release)).rejects.toMatchObject({ code: 'source-refused' });
});

test('a disk of the host that fills up while it fetches is told as such, and is empty again', async (context) => {
  context.skip(process.getuid?.() !== 0, 'needs root');
  await using it = await stage(context);
  await mkdir(it.folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160k,mode=755', 'tmpfs', it.folder]);
  try {
    await expect(it.cache('fetch').ensure(it.host, it.tool.release)).rejects.toMatchObject({
      code: 'no-space',
    });
    expect(await left(it)).toEqual([]);
  } finally {
    execFileSync('umount', ['-l', it.folder]);
  }
});

test('what lies on this machine is not sent where only the host is to fetch', async (context) => {
  await using it = await stage(context);
  const path = join(it.home, 'tool.tgz');
  await writeFile(path, it.tool.tarball);
  const cache = createBinaryCache({
    sources: [fileSource({ path })],
    directory: hostPath(it.folder),
    delivery: 'fetch',
  });
  await expect(cache.ensure(it.host, it.tool.release)).rejects.toMatchObject({ code: 'source-refused' });
});
