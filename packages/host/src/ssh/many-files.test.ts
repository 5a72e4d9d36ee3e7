import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { type Host, hashFiles, hostPath, readFiles } from '../index.ts';
import { openLinkProxy } from '../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

const SIZE = 300_000;
const parts = Array.from({ length: 40 }, (_, index) => ({ relativePath: `file-${index}`, length: SIZE }));

async function plant(host: Host): Promise<{ readonly folder: string } & AsyncDisposable> {
  const folder = join(host.tmp, `seedbed-many-${crypto.randomUUID()}`);
  await mkdir(folder);
  for (const { relativePath } of parts) await writeFile(join(folder, relativePath), randomBytes(SIZE));
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

async function bytesRead(host: Host, folder: string): Promise<number> {
  let bytes = 0;
  for await (const { body } of readFiles(host, hostPath(folder), parts)) {
    for await (const chunk of body) bytes += chunk.length;
  }
  return bytes;
}

it('a reading of many files that a broken link cuts off says so, and can be begun anew', {
  timeout: 60_000,
}, async () => {
  const server = await sshd.server();
  await using link = await openLinkProxy(server);
  await using host = await sshd.openHost({ host: link.host, port: link.port });
  await using tree = await plant(host);
  for (const bytes of [10_000, 2_000_000, 7_654_321]) {
    link.cutAfter(bytes, 'down');
    await expect(bytesRead(host, tree.folder)).rejects.toMatchObject({ code: 'host-lost' });
    expect(await bytesRead(host, tree.folder)).toBe(parts.length * SIZE);
  }
  const hashes = await Array.fromAsync(hashFiles(host, hostPath(tree.folder), parts));
  expect(new Set(hashes.map(({ sha256 }) => sha256)).size).toBe(parts.length);
});

it('many files are read no faster than they are taken', { timeout: 60_000 }, async () => {
  const server = await sshd.server();
  await using link = await openLinkProxy(server);
  await using host = await sshd.openHost({ host: link.host, port: link.port });
  await using tree = await plant(host);
  for await (const { body } of readFiles(host, hostPath(tree.folder), parts)) {
    for await (const _ of body) break;
    // Meanwhile more would come, if it could.
    for (let round = 0; round < 50; round += 1) await host.stat(hostPath(tree.folder));
    // What SSH lets a host send unasked, and what waits on this side.
    expect(link.bytes('down')).toBeLessThan((parts.length * SIZE) / 2);
    break;
  }
});
