import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openLinkProxy } from '@seedbed/host/testing';
import { expect, test } from 'vitest';
import { busyboxFolder } from '../test/busybox-folder.ts';
import { startFakeRegistry } from '../test/fake-registry.ts';
import { type SshStage, skipWithoutSshd, sshStage } from '../test/ssh-stage.ts';
import { type BinaryCache, createBinaryCache } from './binary-cache.ts';
import type { BinaryProgress } from './binary-source.ts';
import { fileSource } from './file-source.ts';
import { npmRegistrySource } from './npm-registry/index.ts';
import { artifactFor } from './release.ts';

const ballast = 6_000_000;
const isRoot = process.getuid?.() === 0;

function cacheOf({ archive, directory }: Pick<SshStage, 'archive' | 'directory'>): BinaryCache {
  return createBinaryCache({ sources: [fileSource({ path: archive })], directory });
}

/** What was sent, in the order in which it was told. */
function pushes(): { readonly sent: number[]; onProgress(progress: BinaryProgress): void } {
  const sent: number[] = [];
  return { sent, onProgress: ({ phase, bytes }) => void (phase === 'push' && sent.push(bytes)) };
}

const left = (it: SshStage): Promise<string[]> => readdir(join(it.directory, 'v1', 'incoming'));
const trees = (it: SshStage): Promise<string[]> => readdir(join(it.directory, 'v1', 'trees'));
const printed = (path: string): string => execFileSync(path, { encoding: 'utf8' });

test('a fresh host gets the binary over the link once; for the next task one round trip shows that it is there', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  const first = await it.openHost();
  const installed = await cacheOf(it).ensure(first, it.tool.release);
  expect(installed).toMatchObject({ origin: 'file', delivery: 'push' });
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  const size = it.tool.tarball.byteLength;
  expect(it.link.bytes('up')).toBeGreaterThan(size);
  expect(it.link.bytes('up')).toBeLessThan(1.5 * size);
  expect(await left(it)).toEqual([]);

  const second = await it.openHost();
  it.link.setDelay(100);
  const warm = createBinaryCache({ sources: [], directory: it.directory });
  expect(
    await fewestRoundTrips(it, async () => {
      const found = await warm.ensure(second, it.tool.release);
      expect(found).toMatchObject({ origin: 'cache', path: installed.path });
    }),
  ).toBeLessThanOrEqual(2);
});

/** What else is said over the connection meanwhile, whose own shells are opened beside what is asked first, can only add to the count. */
async function fewestRoundTrips({ link }: SshStage, work: () => Promise<void>): Promise<number> {
  const counts: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    link.resetRoundTrips();
    await work();
    counts.push(link.roundTrips());
  }
  return Math.min(...counts);
}

test('a link that is cut in the middle of the push costs what was under way: the same call goes on when the host is back', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  const host = await it.openHost();
  const { sent, onProgress } = pushes();
  it.link.cutAfter(ballast / 2, 'up');
  const installed = await cacheOf(it).ensure(host, it.tool.release, { onProgress });
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  const size = it.tool.tarball.byteLength;
  expect(it.link.bytes('up')).toBeLessThan(1.7 * size);
  const resumed = sent.findIndex((bytes, at) => bytes < (sent[at - 1] ?? 0));
  expect(sent[resumed]).toBeGreaterThan(0);
  expect(await left(it)).toEqual([]);
  expect(await trees(it)).toHaveLength(1);
});

test('a host whose server dies again and again gets it in the end, as long as each time brings something', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  const host = await it.openHost();
  let broken = 0;
  const installed = await cacheOf(it).ensure(host, it.tool.release, {
    onProgress: ({ phase, bytes }) => {
      if (phase !== 'push' || bytes < (broken + 1) * 700_000 || broken === 7) return;
      broken += 1;
      it.sshd.dropConnections();
    },
  });
  expect(broken).toBe(7);
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
});

test.for(['unpack', 'verify'])(
  'a link that breaks during the step `%s` costs no second transfer',
  async (phase, context) => {
    skipWithoutSshd(context);
    await using it = await sshStage({ ballast });
    const host = await it.openHost();
    let isPushed = false;
    let isBroken = false;
    const installed = await cacheOf(it).ensure(host, it.tool.release, {
      onProgress: (progress) => {
        isPushed ||= progress.phase === 'push';
        if (progress.phase !== phase || !isPushed || isBroken) return;
        isBroken = true;
        it.link.cut();
      },
    });
    expect(isBroken).toBe(true);
    expect(printed(installed.path)).toBe('tool 1.0.0\n');
    expect(it.link.bytes('up')).toBeLessThan(1.5 * it.tool.tarball.byteLength);
    expect(await trees(it)).toHaveLength(1);
  },
);

test('a link that breaks while the host is looked at is looked over again', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage();
  const host = await it.openHost();
  const cache = cacheOf(it);
  const installed = await cache.ensure(host, it.tool.release);
  it.link.cutAfter(1, 'down');
  expect(await cache.ensure(host, it.tool.release)).toMatchObject({ origin: 'cache', path: installed.path });
});

test('a host that does not come back is a typed failure; a later program goes on where it broke', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  const host = await it.openHost({ reconnectForMs: 1_000 });
  const first = cacheOf(it).ensure(host, it.tool.release, {
    onProgress: ({ phase, bytes }) => {
      if (phase !== 'push' || bytes < ballast / 2) return;
      it.link.refuse();
      it.link.cut();
    },
  });
  await expect(first).rejects.toMatchObject({ code: 'host-lost' });
  it.link.accept();
  const { sent, onProgress } = pushes();
  const installed = await cacheOf(it).ensure(await it.openHost(), it.tool.release, { onProgress });
  expect(sent[0]).toBeGreaterThan(0);
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  // The folder of the one that was lost may still be in use, for all that anybody knows.
  expect(await left(it)).toEqual([expect.stringMatching(/^tool-1\.0\.0/)]);
});

test('a program that is killed in the middle of the push leaves what it brought to the next', {
  timeout: 180_000,
}, async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast: 12_000_000 });
  await killedWhilePushing(it);
  const { sent, onProgress } = pushes();
  const installed = await cacheOf(it).ensure(await it.openHost(), it.tool.release, { onProgress });
  expect(sent[0]).toBeGreaterThan(0);
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
});

async function killedWhilePushing({ sshd, link, directory, archive, tool }: SshStage): Promise<void> {
  const { integrity } = artifactFor(tool.release, { os: 'linux', arch: 'x64' });
  const script = join(import.meta.dirname, '../test/install-child.ts');
  const child = spawn(process.execPath, [script, directory, archive, integrity], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { user, privateKey, fingerprint } = sshd;
  const { host, port } = link;
  const closed = once(child, 'close');
  child.stdin.end(JSON.stringify({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } }));
  for await (const line of createInterface(child.stdout)) {
    const { phase, bytes } = JSON.parse(line);
    // More than SSH lets be under way: some of it is there.
    if (phase === 'push' && bytes > 6_000_000) child.kill('SIGKILL');
  }
  expect(await closed).toEqual([null, 'SIGKILL']);
}

test('of two programs that bring the same to one host one works; the other waits and finds it', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  await using otherLink = await openLinkProxy(it.sshd);
  const host = await it.openHost();
  const other = await it.openHost({ port: otherLink.port });
  const stalled = Promise.withResolvers<void>();
  let isStalled = false;
  const works = cacheOf(it).ensure(host, it.tool.release, {
    onProgress: ({ phase, bytes }) => {
      if (phase !== 'push' || bytes === 0 || isStalled) return;
      isStalled = true;
      it.link.stall();
      stalled.resolve();
    },
  });
  await Promise.race([stalled.promise, works]);
  const waits = cacheOf(it).ensure(other, it.tool.release, {
    onProgress: ({ phase }) => void (phase === 'wait' && it.link.resume()),
  });
  const found = await Promise.all([works, waits]);
  expect(found.map(({ origin }) => origin)).toEqual(['file', 'cache']);
  expect(new Set(found.map(({ path }) => path)).size).toBe(1);
  expect(it.link.bytes('up')).toBeLessThan(1.5 * it.tool.tarball.byteLength);
  expect(otherLink.bytes('up')).toBeLessThan(ballast / 10);
  expect(await left(it)).toEqual([]);
});

test('a host with nothing but BusyBox is pushed to, through a cut link, and looked at from afar', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({
    ballast,
    path: (scratch) => busyboxFolder(context, join(scratch, 'bin')),
  });
  const host = await it.openHost();
  expect(host.env['PATH']).toBe(join(it.scratch, 'bin'));
  it.link.cutAfter(ballast / 2, 'up');
  const cache = cacheOf(it);
  const installed = await cache.ensure(host, it.tool.release);
  expect(it.link.bytes('up')).toBeLessThan(1.7 * it.tool.tarball.byteLength);
  it.link.setDelay(100);
  expect(
    await fewestRoundTrips(it, async () => {
      const found = await cache.ensure(host, it.tool.release);
      expect(found).toMatchObject({ origin: 'cache', path: installed.path });
    }),
  ).toBeLessThanOrEqual(2);
});

test('a host that fetches itself gets hardly anything over the link', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast });
  await using registry = await startFakeRegistry(it.tool);
  const env = { HOME: it.scratch, PATH: '', npm_config_registry: registry.url };
  const source = npmRegistrySource({ env, cwd: it.scratch, directory: join(it.scratch, 'downloads') });
  const cache = createBinaryCache({ sources: [source], directory: it.directory, delivery: 'auto' });
  const installed = await cache.ensure(await it.openHost(), it.tool.release);
  expect(installed).toMatchObject({ origin: 'downloaded', delivery: 'fetch' });
  expect(printed(installed.path)).toBe('tool 1.0.0\n');
  expect(it.link.bytes('up')).toBeLessThan(ballast / 10);
});

test('a disk of the host that fills up during the push is told as such, and is empty again', async (context) => {
  skipWithoutSshd(context);
  context.skip(!isRoot, 'needs root');
  await using it = await sshStage({ ballast });
  await using _disk = await mountedDisk(it.directory, '2m');
  const ensured = cacheOf(it).ensure(await it.openHost(), it.tool.release);
  await expect(ensured).rejects.toMatchObject({ code: 'no-space' });
  expect(await left(it)).toEqual([]);
  expect(await trees(it)).toEqual([]);
});

test('a host that computes another digest gets nothing installed', async (context) => {
  skipWithoutSshd(context);
  await using it = await sshStage({ ballast: 100_000, path: liarFolder });
  const ensured = cacheOf(it).ensure(await it.openHost(), it.tool.release);
  await expect(ensured).rejects.toMatchObject({ code: 'integrity-mismatch' });
  expect(await left(it)).toEqual([]);
  expect(await trees(it)).toEqual([]);
});

/** A PATH on which the digest of everything is that of nothing. */
async function liarFolder(scratch: string): Promise<string> {
  const bin = join(scratch, 'bin');
  await mkdir(bin);
  const script = '#!/bin/sh\nexec /usr/bin/sha512sum </dev/null\n';
  await writeFile(join(bin, 'sha512sum'), script, { mode: 0o755 });
  return `${bin}:/usr/bin:/bin`;
}

async function mountedDisk(path: string, size: string): Promise<AsyncDisposable> {
  await mkdir(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', path]);
  return { [Symbol.asyncDispose]: async () => void execFileSync('umount', ['-l', path]) };
}
