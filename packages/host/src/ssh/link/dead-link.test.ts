import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { whenGuarded } from '../../../test/guards.ts';
import { type DistantSshd, openDistantSshd } from '../../../test/network-namespace.ts';
import { collectBytes } from '../../collect-bytes.ts';
import type { Host } from '../../host.ts';
import { joinHostPath } from '../../host-path.ts';
import { createLocalHost } from '../../local/index.ts';
import { processesWithEnvironment } from '../../testing/index.ts';
import { openSshHost, type SshHostOptions } from '../index.ts';

beforeEach((context) => {
  const isRoot = process.getuid?.() === 0 && process.platform === 'linux';
  context.skip(!isRoot, "network namespaces are root's");
});

async function openHost(
  { host, port, server }: DistantSshd,
  options: Partial<SshHostOptions>,
): Promise<Host> {
  const { user, privateKey, fingerprint } = server;
  return await openSshHost({
    host,
    port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
    keepaliveMs: 1_500,
    connectTimeoutMs: 20_000,
    ...options,
  });
}

describe('a host whose cable is pulled', () => {
  it('is noticed to be gone, waited for, and reached again: nothing hangs, nothing is left', async () => {
    await using distant = await openDistantSshd();
    const changes: string[] = [];
    await using host = await openHost(distant, { onLinkChange: ({ state }) => changes.push(state) });
    const mark = randomUUID();
    const env = { TEST_MARK: mark };
    const plain = await host.spawn({ argv: ['sh', '-c', 'sleep 1000 & exec sleep 1001'], env });
    const folder = joinHostPath(host.tmp, `seedbed-durable-${randomUUID()}`);
    const script =
      'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$i"; sleep 0.3; done; read line; echo "$line"';
    const durable = await host.spawn({ argv: ['sh', '-c', script] }, { durable: { folder } });
    const read = (await host
      .readFile(joinHostPath(host.tmp, '..', 'dev', 'null'))
      .catch((error) => error)) as Error;
    expect(read).toMatchObject({ code: 'unsupported' });
    await distant.pull();
    const asked = host.stat(host.home);
    expect(await plain.exit).toMatchObject({ kind: 'lost', cause: { code: 'host-lost' } });
    expect(changes).toEqual(['interrupted']);
    await distant.plugIn();
    expect((await asked)?.kind).toBe('directory');
    const writer = durable.stdin.getWriter();
    await writer.write(Buffer.from('the end\n'));
    const { bytes } = await collectBytes(durable.stdout, { maxBytes: 10_000, keep: 'end' });
    expect(Buffer.from(bytes).toString()).toBe('1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\nthe end\n');
    expect(await durable.closed).toEqual({ kind: 'exited', code: 0 });
    expect(changes).toEqual(['interrupted', 'restored']);
    const local = createLocalHost();
    await expect.poll(() => processesWithEnvironment(local, `TEST_MARK=${mark}`)).toEqual([]);
  }, 60_000);

  it('is given up when it does not come back, and all who wait are told', async () => {
    await using distant = await openDistantSshd();
    await using host = await openHost(distant, { reconnectForMs: 2_000 });
    const process = await host.spawn({ argv: ['cat'] });
    const reading = process.stdout.getReader().read();
    const watching = host.watch(host.home, { signal: new AbortController().signal })[Symbol.asyncIterator]();
    await watching.next();
    const changed = watching.next();
    changed.catch(() => undefined);
    reading.catch(() => undefined);
    await distant.pull();
    const asked = host.list(host.home)[Symbol.asyncIterator]().next();
    await expect(asked).rejects.toMatchObject({ code: 'host-lost' });
    await expect(reading).rejects.toMatchObject({ code: 'host-lost' });
    await expect(changed).rejects.toMatchObject({ code: 'host-lost' });
    expect(await process.end()).toMatchObject({ kind: 'lost' });
    expect(host.signal.aborted).toBe(true);
  }, 60_000);
});

describe('a host whose sshd is killed', () => {
  it('ends what ran there, although nobody can come to do it', async () => {
    await using distant = await openDistantSshd();
    await using host = await openHost(distant, {});
    const mark = randomUUID();
    const process = await host.spawn({
      argv: ['sh', '-c', 'echo started; setsid sleep 1000 & exec sleep 1001'],
      env: { TEST_MARK: mark },
    });
    await process.stdout.getReader().read();
    await whenGuarded(host);
    await distant.kill();
    expect(await process.exit).toMatchObject({ kind: 'lost' });
    const local = createLocalHost();
    await expect.poll(() => processesWithEnvironment(local, `TEST_MARK=${mark}`)).toEqual([]);
  }, 60_000);
});
