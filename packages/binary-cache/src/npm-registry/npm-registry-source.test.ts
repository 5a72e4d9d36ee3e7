import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMemoryHost } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { type FakeRegistry, startFakeRegistry } from '../../test/fake-registry.ts';
import { scratchFolder } from '../../test/scratch-folder.ts';
import { type ToolPackage, toolPackage } from '../../test/tool-release.ts';
import type { ArchivePayload, BinaryProgress, BinarySource } from '../binary-source.ts';
import { defaultCacheLimits } from '../cache-limits.ts';
import { integrityHex } from '../integrity.ts';
import { artifactFor } from '../release.ts';
import { type NpmRegistryOptions, npmRegistrySource } from './npm-registry-source.ts';

const ballast = 300_000;

interface Stage extends AsyncDisposable {
  readonly tool: ToolPackage;
  readonly registry: FakeRegistry;
  readonly directory: string;
  readonly home: string;
  source(options?: NpmRegistryOptions): BinarySource;
}

async function stage(tool?: ToolPackage): Promise<Stage> {
  const packed = tool ?? (await toolPackage({ ballast }));
  const resources = new AsyncDisposableStack();
  const registry = resources.use(await startFakeRegistry(packed));
  const home = resources.use(await scratchFolder()).path;
  const directory = join(home, 'downloads');
  return {
    tool: packed,
    registry,
    directory,
    home,
    source: (options = {}) =>
      npmRegistrySource({
        env: { HOME: home, PATH: '', npm_config_registry: registry.url },
        cwd: home,
        directory,
        retryDelayMs: 1,
        stallMs: 20_000,
        ...options,
      }),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface ObtainOptions {
  readonly signal?: AbortSignal;
  readonly report?: (progress: BinaryProgress) => void;
  readonly maxArchiveBytes?: number;
}

async function obtain(
  source: BinarySource,
  tool: ToolPackage,
  options: ObtainOptions = {},
): Promise<Uint8Array> {
  await using host = createMemoryHost();
  const payload = await source.obtain({
    host,
    release: tool.release,
    artifact: artifactFor(tool.release, { os: 'linux', arch: 'x64' }),
    limits: { ...defaultCacheLimits, maxArchiveBytes: options.maxArchiveBytes ?? 10_000_000 },
    signal: options.signal ?? new AbortController().signal,
    report: options.report ?? (() => undefined),
    scratch: host.tmp,
  });
  return bytesOf(payload as ArchivePayload);
}

async function bytesOf(payload: ArchivePayload): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of payload.open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const archiveRequests = (registry: FakeRegistry): readonly (string | undefined)[] =>
  registry.requests.filter(({ path }) => path.endsWith('.tgz')).map(({ range }) => range);

test('the archive arrives whole, with progress up to its size', async () => {
  await using it = await stage();
  const progress: BinaryProgress[] = [];
  const bytes = await obtain(it.source(), it.tool, { report: (step) => progress.push(step) });
  expect(bytes.byteLength).toBe(it.tool.tarball.byteLength);
  expect(Buffer.compare(bytes, it.tool.tarball)).toBe(0);
  expect(progress[0]).toEqual({ phase: 'resolve', bytes: 0 });
  const size = it.tool.tarball.byteLength;
  expect(progress.at(-1)).toEqual({ phase: 'download', bytes: size, totalBytes: size });
});

test('what was downloaded once is not asked for again', async () => {
  await using it = await stage();
  await obtain(it.source(), it.tool);
  const asked = it.registry.requests.length;
  await obtain(it.source(), it.tool);
  expect(it.registry.requests.length).toBe(asked);
});

test('a stored archive that was damaged is fetched again', async () => {
  await using it = await stage();
  await obtain(it.source(), it.tool);
  const [name = ''] = await readdir(it.directory);
  await writeFile(join(it.directory, name), 'something else');
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
});

test('hosts that ask at the same time share one download', async () => {
  await using it = await stage();
  const source = it.source();
  await Promise.all([obtain(source, it.tool), obtain(source, it.tool), obtain(source, it.tool)]);
  expect(archiveRequests(it.registry)).toHaveLength(1);
});

test('a transfer that breaks is continued where it broke', async () => {
  await using it = await stage();
  let attempts = 0;
  it.registry.onTarball = (request, response) => {
    attempts += 1;
    if (attempts > 3) return it.registry.sendTarball(request, response);
    const first = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const { tarball } = it.tool;
    response.writeHead(206, {
      'content-type': 'application/octet-stream',
      'content-length': tarball.byteLength - first,
      'content-range': `bytes ${first}-${tarball.byteLength - 1}/${tarball.byteLength}`,
    });
    response.write(tarball.subarray(first, first + 70_000), () => response.destroy());
  };
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
  const starts = archiveRequests(it.registry).map((range) => Number(/bytes=(\d+)-/.exec(range ?? '')?.[1]));
  expect(starts).toHaveLength(4);
  expect(starts[3]).toBeGreaterThan(starts[1] ?? 0);
});

test('what a killed process left is taken over, unless it may still be writing', async () => {
  await using it = await stage();
  await mkdir(it.directory);
  const hex = integrityHex(artifactFor(it.tool.release, { os: 'linux', arch: 'x64' }).integrity);
  const part = (at: number): string =>
    join(it.directory, `${hex}.00000000-0000-0000-0000-00000000000${at}.part`);
  await writeFile(part(1), it.tool.tarball.subarray(0, 100_000));
  const old = new Date(Date.now() - 600_000);
  await utimes(part(1), old, old);
  await writeFile(part(2), it.tool.tarball.subarray(0, 200_000));
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
  expect(archiveRequests(it.registry)[0]).toMatch(/^bytes=100000-/);
  expect((await readdir(it.directory)).sort()).toEqual([
    `${hex}.00000000-0000-0000-0000-000000000002.part`,
    `${hex}.tgz`,
  ]);
});

test.each(['first', 'last'])(
  'a program that only stood still and one that took its partial file over both get the right bytes, should it finish %s',
  async (place) => {
    await using it = await stage();
    const { tarball } = it.tool;
    const ofStill = Promise.withResolvers<() => void>();
    const ofHeir = Promise.withResolvers<() => void>();
    const asked = [ofStill, ofHeir];
    it.registry.onTarball = (request, response) => {
      const first = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(206, {
        'content-type': 'application/octet-stream',
        'content-length': tarball.byteLength - first,
        'content-range': `bytes ${first}-${tarball.byteLength - 1}/${tarball.byteLength}`,
      });
      response.write(tarball.subarray(first, first + 100_000));
      asked.shift()?.resolve(() => response.end(tarball.subarray(first + 100_000)));
    };
    const written = Promise.withResolvers<void>();
    const still = obtain(it.source(), it.tool, {
      report: ({ bytes }) => {
        if (bytes === 100_000) written.resolve();
      },
    });
    await written.promise;
    const [part = ''] = await readdir(it.directory);
    const old = new Date(Date.now() - 600_000);
    await utimes(join(it.directory, part), old, old);
    const heir = obtain(it.source(), it.tool);
    const ends = [
      { release: await ofStill.promise, result: still },
      { release: await ofHeir.promise, result: heir },
    ];
    for (const { release, result } of place === 'first' ? ends : ends.reverse()) {
      release();
      expect(Buffer.compare(await result, tarball)).toBe(0);
    }
    expect(archiveRequests(it.registry)[1]).toMatch(/^bytes=100000-/);
    expect(await readdir(it.directory)).toEqual([part.replace(/\..*/, '.tgz')]);
  },
);

test.each([
  ['garbage', (tarball: Uint8Array) => Buffer.alloc(100_000, 'x').subarray(0, tarball.byteLength)],
  ['more than there is', (tarball: Uint8Array) => Buffer.concat([tarball, Buffer.from('tail')])],
])(
  'a left partial file that holds %s costs one more download, not a wrong result',
  async (_what, content) => {
    await using it = await stage();
    await mkdir(it.directory);
    const hex = integrityHex(artifactFor(it.tool.release, { os: 'linux', arch: 'x64' }).integrity);
    const part = join(it.directory, `${hex}.00000000-0000-0000-0000-000000000001.part`);
    await writeFile(part, content(it.tool.tarball));
    const old = new Date(Date.now() - 600_000);
    await utimes(part, old, old);
    expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
  },
);

test('a server that knows no ranges is read from the start', async () => {
  await using it = await stage();
  let attempts = 0;
  it.registry.onTarball = (_request, response) => {
    attempts += 1;
    const { tarball } = it.tool;
    response.writeHead(200, { 'content-length': tarball.byteLength });
    if (attempts > 1) response.end(tarball);
    else response.write(tarball.subarray(0, 100_000), () => response.destroy());
  };
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
});

test('a redirect is followed', async () => {
  await using it = await stage();
  it.registry.onTarball = (request, response) => {
    it.registry.onTarball = undefined;
    response.writeHead(302, { location: `${it.registry.url}${request.url}` }).end();
  };
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
});

test('other bytes than the pinned ones are refused and thrown away', async () => {
  await using it = await stage();
  const forged = Buffer.from(it.tool.tarball);
  forged[1000] = (forged[1000] ?? 0) ^ 1;
  it.registry.onTarball = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(forged);
  };
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({ code: 'integrity-mismatch' });
  expect(await readdir(it.directory)).toEqual([]);
});

test('a registry that states another digest is not even asked for the bytes', async () => {
  await using it = await stage();
  it.registry.statedIntegrity = artifactFor((await toolPackage({ version: '6.6.6' })).release, {
    os: 'linux',
    arch: 'x64',
  }).integrity;
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({ code: 'integrity-mismatch' });
  expect(archiveRequests(it.registry)).toEqual([]);
});

test('an answer that is shorter than announced, time and again, is a failed download', async () => {
  await using it = await stage();
  it.registry.onTarball = (_request, response) => {
    response.writeHead(200, { 'content-length': it.tool.tarball.byteLength });
    response.write(it.tool.tarball.subarray(0, 1000), () => response.destroy());
  };
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({ code: 'download-failed' });
});

test('an archive above the limit is given up before it is read', async () => {
  await using it = await stage();
  await expect(obtain(it.source(), it.tool, { maxArchiveBytes: 1000 })).rejects.toMatchObject({
    code: 'limit-exceeded',
  });
});

test('an archive of undeclared length is cut off at the limit', async () => {
  await using it = await stage();
  it.registry.onTarball = (_request, response) => {
    const more = (): void => {
      if (!response.destroyed) response.write(Buffer.alloc(50_000), () => setImmediate(more));
    };
    more();
  };
  await expect(obtain(it.source(), it.tool, { maxArchiveBytes: 400_000 })).rejects.toMatchObject({
    code: 'limit-exceeded',
  });
});

test.each([404, 410])('status %i says that the registry does not have it', async (status) => {
  await using it = await stage();
  it.registry.onPackument = (_request, response) => response.writeHead(status).end('{}');
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({
    code: status === 404 ? 'not-in-registry' : 'download-failed',
    message: expect.stringContaining('`registry`'),
  });
});

test('a package without that version is not in the registry', async () => {
  await using it = await stage();
  it.registry.onPackument = (_request, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end('{"name":"@seedbed-test/tool","versions":{},"dist-tags":{}}');
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({ code: 'not-in-registry' });
});

test('a registry that fails for a moment is asked again', async () => {
  await using it = await stage();
  let failures = 2;
  it.registry.onPackument = (_request, response) => {
    failures -= 1;
    if (failures === 0) it.registry.onPackument = undefined;
    response.writeHead(503).end();
  };
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
});

test.each([500, 503, 429])('status %i for good is a failed download', async (status) => {
  await using it = await stage();
  it.registry.onTarball = (_request, response) => response.writeHead(status).end();
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining(`E${status}`),
  });
  expect(archiveRequests(it.registry).length).toBeGreaterThan(1);
});

test('refused credentials are not tried again, and the message says which setting', async () => {
  await using it = await stage();
  it.registry.onPackument = (_request, response) => response.writeHead(401).end();
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringContaining('_authToken'),
  });
  expect(it.registry.requests).toHaveLength(1);
});

test.each(['packument', 'tarball'])(
  'the login page of a portal in place of the %s is told as such',
  async (what) => {
    await using it = await stage();
    const page = '<html><body>Please log in</body></html>';
    const portal: FakeRegistry['onTarball'] = (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
    if (what === 'packument') it.registry.onPackument = portal;
    else it.registry.onTarball = portal;
    await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringContaining('portal'),
    });
  },
);

test.each(['packument', 'tarball'])(
  'a registry that never answers for the %s ends in an error',
  async (what) => {
    await using it = await stage();
    const silence = (): void => undefined;
    if (what === 'packument') it.registry.onPackument = silence;
    else it.registry.onTarball = silence;
    await expect(obtain(it.source({ stallMs: 50 }), it.tool)).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/in time/),
    });
  },
);

test('a transfer that crawls ends in an error', async () => {
  await using it = await stage();
  const dripping = new Set<NodeJS.Timeout>();
  it.registry.onTarball = (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    const timer = setInterval(() => response.write('x'), 5);
    dripping.add(timer);
    response.on('close', () => clearInterval(timer));
  };
  await expect(obtain(it.source({ stallMs: 60 }), it.tool)).rejects.toMatchObject({
    code: 'download-failed',
  });
  for (const timer of dripping) clearInterval(timer);
});

test('an abort ends the transfer, and the next start continues it', async () => {
  await using it = await stage();
  const abort = new AbortController();
  it.registry.onTarball = (_request, response) => {
    response.writeHead(200, { 'content-length': it.tool.tarball.byteLength });
    response.write(it.tool.tarball.subarray(0, 100_000), () =>
      setTimeout(() => abort.abort(new Error('enough')), 50),
    );
  };
  await expect(obtain(it.source(), it.tool, { signal: abort.signal })).rejects.toMatchObject({
    code: 'aborted',
  });
  it.registry.onTarball = undefined;
  expect(Buffer.compare(await obtain(it.source(), it.tool), it.tool.tarball)).toBe(0);
});

test('nothing listening is a failed download that names the setting and its place', async () => {
  await using it = await stage();
  const { url } = it.registry;
  await it.registry[Symbol.asyncDispose]();
  await expect(obtain(it.source(), it.tool)).rejects.toMatchObject({
    code: 'download-failed',
    message: expect.stringMatching(/`registry` \(the environment: http:\/\/127\.0\.0\.1:\d+\)/),
  });
  expect(url).toContain('127.0.0.1');
});

test('neither the message nor the cause shows credentials of the address or the token', async () => {
  await using it = await stage();
  it.registry.onPackument = (_request, response) => response.writeHead(500).end();
  const { host } = new URL(it.registry.url);
  const env = {
    HOME: it.home,
    PATH: '',
    npm_config_registry: `http://user:s3cret-pass@${host}/`,
    [`npm_config_//${host}/:_authToken`]: 's3cret-token',
  };
  const failure = await obtain(it.source({ env }), it.tool).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'download-failed' });
  const { inspect } = await import('node:util');
  expect(inspect(failure, { depth: 20, showHidden: true })).not.toMatch(/s3cret/);
});

test('old archives and forgotten partial files are swept, nothing else', async () => {
  await using it = await stage();
  await mkdir(it.directory);
  const hex = 'a'.repeat(128);
  const old = new Date(Date.now() - 30 * 24 * 3_600_000);
  for (const name of [`${hex}.tgz`, `${hex}.00000000-0000-0000-0000-000000000001.part`, 'notes.txt']) {
    await writeFile(join(it.directory, name), 'old');
    await utimes(join(it.directory, name), old, old);
  }
  await obtain(it.source(), it.tool);
  expect(
    (await readdir(it.directory)).filter((name) => name.startsWith('a') || name === 'notes.txt'),
  ).toEqual(['notes.txt']);
  expect(await readFile(join(it.directory, 'notes.txt'), 'utf8')).toBe('old');
});

test('a download folder that cannot be is told as such, with the setting that names it', async () => {
  await using it = await stage();
  await writeFile(join(it.home, 'file'), '');
  const source = it.source({ directory: join(it.home, 'file', 'downloads') });
  await expect(obtain(source, it.tool)).rejects.toMatchObject({
    code: 'cache-unwritable',
    message: expect.stringContaining('`cache`'),
  });
});

test('a full disk under the download is told as such', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('needs root');
  await using it = await stage();
  const directory = join(it.home, 'disk');
  await mkdir(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', directory]);
  try {
    await expect(obtain(it.source({ directory }), it.tool)).rejects.toMatchObject({ code: 'no-space' });
    expect(await readdir(directory)).toEqual([]);
  } finally {
    execFileSync('umount', ['-l', directory]);
  }
});
