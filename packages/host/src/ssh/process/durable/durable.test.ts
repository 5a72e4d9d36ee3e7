import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { type BusyboxRoot, createBusyboxRoot, whyNoBusyboxRoot } from '../../../../test/busybox-root.ts';
import { type SshdForTests, sshdForTests } from '../../../../test/sshd-for-tests.ts';
import { collectBytes } from '../../../collect-bytes.ts';
import type { Host } from '../../../host.ts';
import { type HostPath, hostPath, joinHostPath } from '../../../host-path.ts';
import { createLocalHost } from '../../../local/index.ts';
import type { Command, HostProcess } from '../../../process.ts';
import { readText } from '../../../read-text.ts';
import { run } from '../../../run.ts';
import { commandCases } from '../../../testing/contract/command-cases.ts';
import { endingCases } from '../../../testing/contract/ending-cases.ts';
import { leftBehindCases } from '../../../testing/contract/left-behind-cases.ts';
import { outputCases } from '../../../testing/contract/output-cases.ts';
import { hostContract, openLinkProxy, processesWithEnvironment } from '../../../testing/index.ts';

const whyNoBusybox = whyNoBusyboxRoot();
const busyboxRoot: BusyboxRoot | undefined =
  whyNoBusybox === undefined ? await createBusyboxRoot() : undefined;
const sshd: SshdForTests = sshdForTests();
const busybox: SshdForTests = sshdForTests({ config: busyboxRoot?.sshdConfig ?? [] });
afterAll(async () => {
  await sshd.close();
  await busybox.close();
  await busyboxRoot?.[Symbol.asyncDispose]();
});
beforeEach((context) => sshd.skipWhereMissing(context));

/** Hosts whose tools can follow a file to its end, and whose can't. */
const HOSTS: readonly (readonly [tools: string, SshdForTests])[] = [
  ["GNU's tools", sshd],
  ['nothing but BusyBox', busybox],
];

function skipWhereMissing(tools: SshdForTests, context: TestContext): void {
  if (tools === busybox && whyNoBusybox !== undefined) context.skip(whyNoBusybox);
}

function durableFolder(host: Host): ReturnType<typeof joinHostPath> {
  return joinHostPath(host.tmp, `seedbed-durable-${randomUUID()}`);
}

/** A host that starts all that has no terminal as durable. */
async function durableHost(tools: SshdForTests): Promise<Host> {
  const host = await tools.openHost();
  return {
    ...host,
    spawn: (command, options = {}) =>
      host.spawn(command, { ...options, durable: { folder: durableFolder(host) } }),
  };
}

async function startDurable(host: Host, command: Command): Promise<HostProcess> {
  return await host.spawn(command, { durable: { folder: durableFolder(host) } });
}

const capabilities = {
  shell: true,
  pty: false,
  sharesLoopback: true,
  rawNames: true,
  procfs: true,
  exactTimes: true,
};

const OF_PROCESSES: ReadonlySet<string> = new Set(
  [...commandCases, ...outputCases, ...endingCases, ...leftBehindCases].map(({ name }) => name),
);

/** What a file cannot do that a pipe can. */
const OF_PIPES =
  /holds? a writer back|back-pressure|closes its|nobody reads|grandchild|keeps the streams|exit codes exactly/i;

describe.concurrent.each(HOSTS)('a host with %s whose processes are durable', (_, tools) => {
  const cases = hostContract({ create: () => durableHost(tools), capabilities });
  for (const one of cases.filter(({ name }) => OF_PROCESSES.has(name) && !OF_PIPES.test(name))) {
    it(one.name, { timeout: 90_000 }, async (context) => {
      skipWhereMissing(tools, context);
      await one.run();
    });
  }
});

describe.each(HOSTS)('a durable process on a host with %s', (_, tools) => {
  beforeEach((context) => skipWhereMissing(tools, context));

  it('goes on through any number of broken connections, and loses and doubles no byte', async () => {
    const server = await tools.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await tools.openHost({ host: proxy.host, port: proxy.port });
    const process = await startDurable(host, { argv: ['cat'] });
    const sent = randomBytes(3_000_000);
    const received = collectBytes(process.stdout, { maxBytes: 10_000_000, keep: 'beginning' });
    const writer = process.stdin.getWriter();
    let cuts = 0;
    for (let at = 0; at < sent.length; at += 10_000) {
      await writer.write(sent.subarray(at, at + 10_000));
      if (at % 300_000 === 0) {
        proxy.cut();
        cuts += 1;
      }
    }
    await writer.close();
    expect(await process.exit).toEqual({ kind: 'exited', code: 0 });
    expect(Buffer.from((await received).bytes).equals(sent)).toBe(true);
    expect(cuts).toBe(10);
  }, 60_000);

  it('works while nobody is there, and tells all of it afterwards', async () => {
    const server = await tools.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await tools.openHost({ host: proxy.host, port: proxy.port });
    const script = 'read line; sleep 1; echo "out $line"; echo err >&2; exit 7';
    const process = await startDurable(host, { argv: ['sh', '-c', script] });
    const writer = process.stdin.getWriter();
    await writer.write(Buffer.from('hello\n'));
    await delay(300);
    proxy.refuse();
    proxy.cut();
    await delay(2_000);
    proxy.accept();
    const [stdout, stderr] = await Promise.all([text(process.stdout), text(process.stderr)]);
    expect([stdout, stderr]).toEqual(['out hello\n', 'err\n']);
    expect(await process.closed).toEqual({ kind: 'exited', code: 7 });
  }, 60_000);

  it('gets what was written and had not arrived, also when nobody writes any more', async () => {
    const server = await tools.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await tools.openHost({ host: proxy.host, port: proxy.port });
    const process = await startDurable(host, { argv: ['cat'] });
    proxy.stall();
    await process.stdin.getWriter().write(Buffer.from('once\n'));
    proxy.cut();
    proxy.resume();
    const reader = process.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('once\n');
    expect(await process.end({ from: 'term' })).toEqual({ kind: 'signaled', name: 'SIGTERM' });
  }, 60_000);

  it('is ended, and its input is, by one call each, also while its host cannot be reached', async () => {
    const server = await tools.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    const states: string[] = [];
    const down = Promise.withResolvers<void>();
    await using host = await tools.openHost({
      host: proxy.host,
      port: proxy.port,
      waitMs: 200,
      onLinkChange({ state }) {
        states.push(state);
        down.resolve();
      },
    });
    const reading = await startDurable(host, { argv: ['cat'] });
    const deaf = await startDurable(host, { argv: ['sleep', '1000'] });
    proxy.refuse();
    proxy.cut();
    await down.promise;
    await expect(host.stat(host.home)).rejects.toMatchObject({ code: 'host-lost' });
    const closing = reading.stdin.close();
    const ending = deaf.end({ graceMs: 100 });
    // Longer than anything waits for a connection.
    await delay(1_000);
    expect(states).toEqual(['interrupted']);
    proxy.accept();
    await closing;
    expect(await reading.exit).toEqual({ kind: 'exited', code: 0 });
    expect(await ending).toMatchObject({ kind: 'signaled' });
  }, 60_000);

  it('leaves nothing: no process, no file, however it ended', async () => {
    await using local = createLocalHost();
    await using host = await tools.openHost();
    const mark = randomUUID();
    const env = { TEST_MARK: mark };
    const folders = [durableFolder(host), durableFolder(host), durableFolder(host)] as const;
    const start = (argv: Command['argv'], folder: (typeof folders)[number]): Promise<HostProcess> =>
      host.spawn({ argv, env }, { durable: { folder } });
    const quick = await start(['true'], folders[0]);
    expect(await quick.closed).toEqual({ kind: 'exited', code: 0 });
    await using _ = await start(['sleep', '1000'], folders[1]);
    const killed = await start(['sh', '-c', 'sleep 1000 & sleep 1001'], folders[2]);
    expect(await killed.end({ from: 'kill' })).toEqual({ kind: 'signaled', name: 'SIGKILL' });
    await killed[Symbol.asyncDispose]();
    await _[Symbol.asyncDispose]();
    await expect.poll(() => processesWithEnvironment(local, `TEST_MARK=${mark}`)).toEqual([]);
    for (const folder of folders) await expect.poll(() => host.stat(folder)).toBeUndefined();
    for (const folder of folders) await expect.poll(() => processesNaming(local, folder)).toEqual([]);
  }, 60_000);

  it('leaves nothing either when nobody came to know that it was started', async () => {
    await using local = createLocalHost();
    const server = await tools.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await tools.openHost({ host: proxy.host, port: proxy.port });
    const mark = randomUUID();
    const folder = durableFolder(host);
    // What the host says is a second on its way.
    proxy.setDelay(2_000);
    const argv = ['sleep', '1000'] as const;
    const starting = host.spawn({ argv, env: { TEST_MARK: mark } }, { durable: { folder } });
    const refused = expect(starting).rejects.toMatchObject({ code: 'host-lost' });
    while ((await processesWithEnvironment(local, `TEST_MARK=${mark}`)).length === 0) await delay(5);
    proxy.cut();
    proxy.setDelay(0);
    await refused;
    await expect.poll(() => processesWithEnvironment(local, `TEST_MARK=${mark}`)).toEqual([]);
    await expect.poll(() => local.stat(folder)).toBeUndefined();
  }, 60_000);

  it('leaves no folder when its host is closed, whoever has read what', async () => {
    const local = createLocalHost();
    const host = await tools.openHost();
    const folders = [durableFolder(host), durableFolder(host)] as const;
    const quick = await host.spawn({ argv: ['true'] }, { durable: { folder: folders[0] } });
    const much = ['sh', '-c', 'head -c 9000000 /dev/zero'] as const;
    const unread = await host.spawn({ argv: much }, { durable: { folder: folders[1] } });
    const exits = await Promise.all([quick.exit, unread.exit]);
    expect(exits).toEqual(Array(2).fill({ kind: 'exited', code: 0 }));
    await host[Symbol.asyncDispose]();
    const left = await Promise.all(folders.map((folder) => local.stat(folder)));
    expect(left).toEqual([undefined, undefined]);
  }, 60_000);
});

describe('a durable process on a small disk', () => {
  it('says that the disk is full when it can be told no more', async (context) => {
    context.skip(process.getuid?.() !== 0, 'only root can mount a small disk');
    await using host = await sshd.openHost();
    await using disk = await smallDisk(host);
    const durable = { folder: joinHostPath(disk.folder, 'process') };
    const started = await host.spawn({ argv: ['sh', '-c', 'cat >/dev/null'] }, { durable });
    const writer = started.stdin.getWriter();
    const writing = async (): Promise<void> => {
      for (let count = 0; count < 50; count += 1) await writer.write(randomBytes(100_000));
    };
    await expect(writing()).rejects.toMatchObject({ code: 'no-space' });
    expect(await started.exit).toMatchObject({ kind: 'lost', cause: { code: 'no-space' } });
    const { pid } = started;
    const local = createLocalHost();
    await expect.poll(() => local.stat(hostPath(`/proc/${pid}`))).toBeUndefined();
    await expect.poll(() => host.stat(durable.folder)).toBeUndefined();
  }, 60_000);

  it('tells how it ended although it has filled the disk, also over the next connection', async (context) => {
    context.skip(process.getuid?.() !== 0, 'only root can mount a small disk');
    const server = await sshd.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await sshd.openHost({ host: proxy.host, port: proxy.port });
    await using disk = await smallDisk(host);
    const durable = { folder: joinHostPath(disk.folder, 'process') };
    const script = 'head -c 2000000 /dev/zero 2>/dev/null; read line; exit 5';
    const started = await host.spawn({ argv: ['sh', '-c', script] }, { durable });
    const output = collectBytes(started.stdout, { maxBytes: 10_000_000, keep: 'end' });
    await expect
      .poll(async () => (await run(host, { argv: ['df', '--output=avail', disk.folder] })).stdout.trim())
      .toMatch(/\s0$/);
    proxy.cut();
    await started.stdin.close();
    expect(await started.exit).toEqual({ kind: 'exited', code: 5 });
    expect((await output).bytes.byteLength).toBeGreaterThan(500_000);
    await expect.poll(() => host.stat(durable.folder)).toBeUndefined();
  }, 60_000);
});

/** A disk of one megabyte on the host. */
async function smallDisk(host: Host): Promise<AsyncDisposable & { readonly folder: HostPath }> {
  const folder = durableFolder(host);
  await host.makeDirectory(folder);
  await run(host, { argv: ['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', folder] }, { check: true });
  return {
    folder,
    async [Symbol.asyncDispose]() {
      await run(host, { argv: ['umount', '-l', folder] }, { check: true });
      await host.remove(folder, { recursive: true });
    },
  };
}

async function text(stream: ReadableStream<Uint8Array>): Promise<string> {
  return Buffer.from((await collectBytes(stream, { maxBytes: 1_000_000, keep: 'end' })).bytes).toString();
}

/** The processes of this machine whose command line holds a text. */
async function processesNaming(host: Host, part: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { name } of host.list(hostPath('/proc'))) {
    if (!/^\d+$/.test(name)) continue;
    const line = await readText(host, hostPath(`/proc/${name}/cmdline`)).catch(() => '');
    if (line.includes(part)) found.push(line.replaceAll('\0', ' '));
  }
  return found;
}
