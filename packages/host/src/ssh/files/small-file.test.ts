import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { fewestRoundTrips } from '../../../test/fewest-round-trips.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { openLinkProxy } from '../../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());

const KIB = 1024;
const bytesOf = async (stream: ReadableStream<Uint8Array>): Promise<Buffer> =>
  Buffer.concat(await Array.fromAsync(stream));

describe.concurrent('a small file on an SSH host', () => {
  it.for([
    ['every byte there is', Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256))],
    ['text that a shell could take for its own', Buffer.from('\'"$(touch x)`\\0101\\c%s%b\n\n\t é 🦆\r\n\n')],
    ['nothing', Buffer.alloc(0)],
    ['a zero byte', Buffer.from('a\0b')],
    ['the most that goes at once', Buffer.alloc(128 * KIB, 'x')],
    ['the most that goes at once, none of it text', Buffer.alloc(128 * KIB, 0xff)],
    ['one byte more', Buffer.alloc(128 * KIB + 1, 0xfe)],
    ['characters of which one is more than a byte', Buffer.from('é'.repeat(100 * KIB))],
  ] as const)('holds %s', async ([name, content], context) => {
    sshd.skipWhereMissing(context);
    await using host = await sshd.openHost();
    await using folder = await ownFolder(host);
    const file = joinHostPath(folder.path, 'file');
    await host.writeFile(file, content);
    expect((await bytesOf(await host.readFile(file))).equals(content), name).toBe(true);
    await host.writeFile(file, content.toString('latin1'));
    expect((await bytesOf(await host.readFile(file, { length: KIB * KIB }))).toString()).toBe(
      content.toString('latin1'),
    );
  });

  it('is read from and to any byte', async (context) => {
    sshd.skipWhereMissing(context);
    await using host = await sshd.openHost();
    await using folder = await ownFolder(host);
    const file = joinHostPath(folder.path, 'file');
    await host.writeFile(file, '0123456789');
    const part = async (offset: number, length: number): Promise<string> =>
      (await bytesOf(await host.readFile(file, { offset, length }))).toString();
    expect(await part(0, 3)).toBe('012');
    expect(await part(8, 5)).toBe('89');
    expect(await part(3, 0)).toBe('');
    expect(await part(20, 5)).toBe('');
  });

  it('costs one round trip to be written, and one to be read, together with others', async (context) => {
    sshd.skipWhereMissing(context);
    const server = await sshd.server();
    await using link = await openLinkProxy(server, { delayMs: 100 });
    await using host = await sshd.openHost({ host: link.host, port: link.port });
    await using folder = await ownFolder(host);
    const files = Array.from({ length: 20 }, (_, index) => joinHostPath(folder.path, `file-${index}`));
    const counted = (work: (file: HostPath) => Promise<unknown>): Promise<number> =>
      fewestRoundTrips(link, (count) => Promise.all(files.map(work)).then(count));
    expect(await counted((file) => host.writeFile(file, 'x'.repeat(10 * KIB), { mode: 0o600 }))).toBe(1);
    expect(await counted(async (file) => await bytesOf(await host.readFile(file, { length: KIB })))).toBe(1);
  });
});

async function ownFolder(host: Host): Promise<{ readonly path: HostPath } & AsyncDisposable> {
  const path = joinHostPath(host.tmp, `seedbed-small-${randomUUID()}`);
  await host.makeDirectory(path);
  return { path, [Symbol.asyncDispose]: () => host.remove(path, { recursive: true }) };
}
