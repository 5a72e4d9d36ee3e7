import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { appendFile, mkdir, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { type HostPath, hostPath } from '../../host-path.ts';
import { openLinkProxy } from '../../testing/index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

const MB = 1_000_000;

/** The host is this machine: so its files can be handled from outside. */
async function ownFolder(): Promise<{ file(name: string): HostPath } & AsyncDisposable> {
  const path = join(tmpdir(), `seedbed-read-${randomUUID()}`);
  await mkdir(path);
  return {
    file: (name) => hostPath(join(path, name)),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

/** The processes that have an open file whose path begins so. */
async function holdersOf(path: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const holds = async (pid: number): Promise<boolean> => {
    const folder = `/proc/${pid}/fd`;
    const names = await readdir(folder).catch(() => []);
    const targets = await Promise.all(names.map((name) => readlink(join(folder, name)).catch(() => '')));
    return pid !== process.pid && targets.some((target) => target.startsWith(path));
  };
  const found = await Promise.all(pids.map(async (pid) => ((await holds(pid)) ? [pid] : [])));
  return found.flat();
}

/** Waits until a number has stopped to change, however long that takes here. */
async function settled(look: () => number): Promise<number> {
  for (let before = -1; ; await delay(200)) {
    if (look() === before) return before;
    before = look();
  }
}

describe('a read from an SSH host', () => {
  it('that is given up stops who sends, and gives the place back', async () => {
    await using folder = await ownFolder();
    await using host = await sshd.openHost({ maxConnections: 1 });
    const file = folder.file('large');
    await writeFile(file, '');
    await truncate(file, 1_000 * MB);
    for (let round = 0; round < 12; round += 1) {
      const reader = (await host.readFile(file)).getReader();
      await reader.read();
      await reader.cancel();
    }
    await expect.poll(() => holdersOf(file)).toEqual([]);
  });

  it('holds the host back while nobody reads on', async () => {
    await using folder = await ownFolder();
    await using link = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: link.port });
    const file = folder.file('large');
    await writeFile(file, '');
    await truncate(file, 100 * MB);
    const before = link.bytes('down');
    const reader = (await host.readFile(file)).getReader();
    await reader.read();
    expect((await settled(() => link.bytes('down'))) - before).toBeLessThan(8 * MB);
    let left = 0;
    for (let item = await reader.read(); !item.done; item = await reader.read())
      left += item.value.byteLength;
    expect(left).toBeGreaterThan(99 * MB);
  });

  it('of a file that changes meanwhile gives what is there when it is reached', async () => {
    await using folder = await ownFolder();
    await using host = await sshd.openHost();
    const bytes = randomBytes(20 * MB);
    const [growing, shrinking] = [folder.file('growing'), folder.file('shrinking')];
    await Promise.all([writeFile(growing, bytes), writeFile(shrinking, bytes)]);
    const start = async (file: HostPath): Promise<() => Promise<Buffer>> => {
      const reader = (await host.readFile(file)).getReader();
      const chunks = [(await reader.read()).value ?? Buffer.alloc(0)];
      return async () => {
        for (let item = await reader.read(); !item.done; item = await reader.read()) chunks.push(item.value);
        return Buffer.concat(chunks);
      };
    };
    const [rest, restOfShrinking] = [await start(growing), await start(shrinking)];
    await appendFile(growing, 'more');
    await truncate(shrinking, 1_000);
    expect((await rest()).equals(Buffer.concat([bytes, Buffer.from('more')]))).toBe(true);
    const shorter = await restOfShrinking();
    expect(shorter.equals(bytes.subarray(0, shorter.length))).toBe(true);
    expect(shorter.length).toBeLessThan(bytes.length);
  });

  it.each([0, 1, 64 * 1024, 64 * 1024 + 1, 3 * MB])(
    'of %i bytes gives each of them, from anywhere',
    async (size) => {
      await using folder = await ownFolder();
      await using host = await sshd.openHost();
      const file = folder.file('file');
      const bytes = randomBytes(size);
      await writeFile(file, bytes);
      for (const offset of [0, 1, size - 1, size, size + 10, size - 100_000].filter((at) => at >= 0)) {
        for (const length of [undefined, 0, 1, 2 * MB, 100 * MB]) {
          const stream = await host.readFile(file, { offset, ...(length !== undefined && { length }) });
          const read = Buffer.concat(await Array.fromAsync(stream));
          const expected = bytes.subarray(offset, offset + (length ?? size));
          expect(read.equals(expected), `${length} from ${offset}`).toBe(true);
        }
      }
    },
    60_000,
  );
});

describe('a write to an SSH host', () => {
  it('holds its source back while the host takes nothing', async () => {
    await using folder = await ownFolder();
    await using host = await sshd.openHost();
    let given = 0;
    const stopped = Promise.withResolvers<void>();
    const source = new ReadableStream<Uint8Array>({
      async pull(controller) {
        given += 1;
        if (given === 10) await stopped.promise;
        if (given <= 1_000) controller.enqueue(new Uint8Array(100_000));
        else controller.close();
      },
    });
    const written = host.writeFile(folder.file('file'), source);
    const writers = new Set<number>();
    // A shell may have begun another that writes for it, by the time it is stopped.
    const stopFurther = async (): Promise<number> => {
      const further = (await holdersOf(folder.file('.seedbed-'))).filter((pid) => !writers.has(pid));
      for (const pid of further) process.kill(pid, 'SIGSTOP');
      for (const pid of further) writers.add(pid);
      return writers.size === 0 ? -1 : further.length;
    };
    await expect.poll(stopFurther).toBe(0);
    stopped.resolve();
    expect(await settled(() => given)).toBeLessThan(100);
    for (const pid of writers) process.kill(pid, 'SIGCONT');
    await written;
    expect((await host.stat(folder.file('file')))?.size).toBe(100 * MB);
  });
});

it('twenty transfers at once share one connection, and all of them arrive', async () => {
  await using folder = await ownFolder();
  await using host = await sshd.openHost({ maxConnections: 1 });
  const files = Array.from({ length: 10 }, (_, number) => ({
    source: folder.file(`source-${number}`),
    target: folder.file(`target-${number}`),
    bytes: randomBytes(3 * MB),
  }));
  await Promise.all(files.map(({ source, bytes }) => writeFile(source, bytes)));
  const sums = await Promise.all(
    files.map(async ({ source, target, bytes }) => {
      const writing = host.writeFile(target, ReadableStream.from([bytes]));
      const sum = createHash('sha256');
      for await (const chunk of await host.readFile(source)) sum.update(chunk);
      await writing;
      const again = createHash('sha256');
      for await (const chunk of await host.readFile(target)) again.update(chunk);
      return [sum.digest('hex'), again.digest('hex')];
    }),
  );
  const expected = files.map(({ bytes }) => createHash('sha256').update(bytes).digest('hex'));
  expect(sums).toEqual(expected.map((sum) => [sum, sum]));
}, 60_000);
