import { randomBytes, randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { mountSmallDisk, whyNoSmallDisk } from '../../../test/small-disk.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import type { FileBody, Host } from '../../host.ts';
import { type HostPath, hostPath, joinHostPath } from '../../host-path.ts';
import { readText } from '../../read-text.ts';
import { openLinkProxy } from '../../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

const MB = 1_000_000;

/** The ways that a body takes: with the script, whole over a channel, piece by piece over a channel. */
const ways: readonly (readonly [string, (bytes: Uint8Array) => FileBody, number])[] = [
  ['at once', (bytes) => bytes, 100_000],
  ['whole', (bytes) => bytes, MB],
  ['as a stream', (bytes) => inPieces(bytes), MB],
];

function inPieces(bytes: Uint8Array, size = 10_000): ReadableStream<Uint8Array> {
  return ReadableStream.from(
    (function* () {
      for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
    })(),
  );
}

async function ownFolder(host: Host): Promise<{ readonly path: HostPath } & AsyncDisposable> {
  const path = joinHostPath(host.tmp, `seedbed-write-${randomUUID()}`);
  await host.makeDirectory(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

describe('a write that the host cannot do', () => {
  it.for(ways)(
    'leaves the old file and nothing else on a full disk (%s)',
    async ([, body, size], context) => {
      context.skip(whyNoSmallDisk() !== undefined, whyNoSmallDisk());
      await using disk = await mountSmallDisk();
      await using host = await sshd.openHost();
      const [file, filler] = [joinHostPath(disk.path, 'file'), joinHostPath(disk.path, 'filler')];
      await host.writeFile(file, 'old', { mode: 0o640 });
      await host.writeFile(filler, randomBytes(size < 500_000 ? 450_000 : 100_000));
      await expect(host.writeFile(file, body(randomBytes(size)))).rejects.toMatchObject({ code: 'no-space' });
      expect(await readText(host, file)).toBe('old');
      expect((await host.stat(file))?.mode).toBe(0o640);
      expect((await readdir(disk.path)).sort()).toEqual(['file', 'filler']);
    },
  );

  it.for(ways)('is told from others on a disk that is read-only (%s)', async ([, body, size], context) => {
    context.skip(whyNoSmallDisk() !== undefined, whyNoSmallDisk());
    await using disk = await mountSmallDisk();
    await using host = await sshd.openHost();
    const file = joinHostPath(disk.path, 'file');
    await host.writeFile(file, 'old');
    await disk.makeReadOnly();
    for (const options of [{}, { ifAbsent: true }]) {
      const written = host.writeFile(joinHostPath(disk.path, 'other'), body(randomBytes(size)), options);
      await expect(written).rejects.toMatchObject({ code: 'read-only' });
    }
    expect(await readText(host, file)).toBe('old');
  });

  it.each(ways)(
    'says that it may not, that there is no folder, or that it is none (%s)',
    async (_, body, size) => {
      await using host = await sshd.openHost();
      await using folder = await ownFolder(host);
      const bytes = randomBytes(size);
      const file = joinHostPath(folder.path, 'file');
      await host.writeFile(file, 'old');
      const codeOf = async (path: HostPath, options = {}): Promise<unknown> =>
        await host.writeFile(path, body(bytes), options).then(
          () => 'written',
          ({ code }) => code,
        );
      // The kernel lets nobody create a file there, not even root.
      expect(await codeOf(hostPath('/sys/kernel/seedbed'))).toBe('permission-denied');
      expect(await codeOf(joinHostPath(folder.path, 'none', 'file'))).toBe('not-found');
      expect(await codeOf(joinHostPath(file, 'file'))).toBe('not-a-directory');
      expect(await codeOf(folder.path)).toBe('is-a-directory');
      expect(await codeOf(file, { ifAbsent: true })).toBe('already-exists');
      expect(await codeOf(joinHostPath(folder.path, 'n'.repeat(256)))).toBe('invalid-path');
      expect(await readText(host, file)).toBe('old');
      expect(await Array.fromAsync(host.list(folder.path), ({ name }) => name)).toEqual(['file']);
    },
  );
});

describe('a write whose connection breaks', () => {
  it('changes nothing where not all was sent, and says so', async () => {
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: link.port });
    await using folder = await ownFolder(host);
    const file = joinHostPath(folder.path, 'file');
    await host.writeFile(file, 'old');
    let given = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1;
        if (given === 20) link.cut();
        controller.enqueue(randomBytes(100_000));
      },
    });
    const written = host.writeFile(file, body);
    await expect(written).rejects.toMatchObject({ code: 'host-lost' });
    await expect(written).rejects.toThrow('nothing was changed');
    expect(await readText(host, file)).toBe('old');
    await expect.poll(() => Array.fromAsync(host.list(folder.path), ({ name }) => name)).toEqual(['file']);
  });

  it('is begun anew with a body that is here whole', async () => {
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: link.port });
    await using folder = await ownFolder(host);
    const file = joinHostPath(folder.path, 'file');
    const bytes = randomBytes(4 * MB);
    link.cutAfter(2 * MB, 'up');
    await host.writeFile(file, bytes);
    const read = Buffer.concat(await Array.fromAsync(await host.readFile(file)));
    expect(read.equals(bytes)).toBe(true);
    await expect.poll(() => Array.fromAsync(host.list(folder.path), ({ name }) => name)).toEqual(['file']);
  });

  it.each([
    ['at once', 1_000],
    ['over a channel', MB],
  ])('may have been done where all was sent: then nobody claims to know (%s)', async (_, size) => {
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: link.port });
    await using folder = await ownFolder(host);
    const file = joinHostPath(folder.path, 'file');
    await host.writeFile(file, 'old');
    await using other = await sshd.openHost();
    link.setDelay(5_000);
    const written = host.writeFile(file, randomBytes(size));
    written.catch(() => undefined);
    // The host does it, and its answer is still on its way when the link breaks.
    await expect.poll(async () => (await other.stat(file))?.size).toBe(size);
    link.setDelay(0);
    link.cut();
    const outcome = await written.then(
      () => 'written',
      ({ code, message }) => `${code} ${message}`,
    );
    expect(outcome).toMatch(/^written$|^host-lost Could not learn whether this was done/);
  });
});
