import { writeFile } from 'node:fs/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { stopClock } from '../../../test/stopped-clock.ts';
import { openLinkProxy, openSshd, type TestSshd } from '../../testing/index.ts';
import { openSshHost } from '../index.ts';
import { type Connection, createConnector } from './connection.ts';
import type { SshDestination } from './ssh-destination.ts';

const sshd = sshdForTests();
beforeEach((context) => sshd.skipWhereMissing(context));
afterAll(() => sshd.close());

function destination(server: TestSshd, changes: Partial<SshDestination> = {}): SshDestination {
  const { host, port, user, privateKey, fingerprint } = server;
  return {
    host,
    port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
    connectTimeoutMs: LOGIN_MS,
    ...changes,
  };
}

async function lossOf({ lost }: Connection): Promise<unknown> {
  if (!lost.aborted) await new Promise((resolve) => lost.addEventListener('abort', resolve, { once: true }));
  return lost.reason;
}

/** Waits until a server has no connection left. */
async function emptied(...servers: readonly TestSshd[]): Promise<void> {
  await expect.poll(() => servers.map(({ connections }) => connections)).toEqual(servers.map(() => 0));
}

describe('a host behind jump hosts', () => {
  it('is reached through all of them, each with its own key and login, and leaves no connection', async () => {
    await using first = await openSshd();
    await using second = await openSshd();
    const target = await sshd.server();
    await using host = await openSshHost(
      destination(target, { jump: [destination(first), destination(second)] }),
    );
    expect(host.label).toContain(String(target.port));
    await host.stat(host.home);
    expect([first.connections, second.connections]).toEqual([1, 1]);
    await host[Symbol.asyncDispose]();
    await emptied(first, second);
  });

  it('is reached through the jump hosts of its jump hosts', async () => {
    await using first = await openSshd();
    await using second = await openSshd();
    const jump = destination(second, { jump: destination(first) });
    const connection = await createConnector(destination(await sshd.server(), { jump })).connect();
    expect([first.connections, second.connections]).toEqual([1, 1]);
    connection.close();
    await emptied(first, second);
  });

  it('shares one connection to the jump host among all of its own, until the last is closed', async () => {
    await using jump = await openSshd();
    const connector = createConnector(destination(await sshd.server(), { jump: destination(jump) }));
    const [one, two] = await Promise.all([connector.connect(), connector.connect()]);
    const three = await connector.connect();
    expect(jump.connections).toBe(1);
    one.close();
    two.close();
    await Promise.all([lossOf(one), lossOf(two)]);
    expect(three.lost.aborted).toBe(false);
    expect(jump.connections).toBe(1);
    three.close();
    await emptied(jump);
    (await connector.connect()).close();
    await emptied(jump);
  });

  it('does not show a jump host what it would show the host, nor the other way round', async () => {
    await using jump = await openSshd();
    const target = await sshd.server();
    const mixedUp = destination(target, {
      jump: destination(jump, { hostKey: { fingerprint: target.fingerprint } }),
    });
    const refused = createConnector(mixedUp).connect();
    await expect(refused).rejects.toMatchObject({ code: 'host-key-changed' });
    await expect(refused).rejects.toThrow(`jump host ${jump.user}@127.0.0.1:${jump.port}`);
    const impostor = destination(target, {
      hostKey: { fingerprint: jump.fingerprint },
      jump: destination(jump),
    });
    const unproven = createConnector(impostor).connect();
    await expect(unproven).rejects.toMatchObject({ code: 'host-key-changed' });
    await expect(unproven).rejects.not.toThrow('jump host');
    await emptied(jump);
  });

  it('is lost with the connection to its jump host, which is named, and can be reached anew', async () => {
    await using jump = await openSshd();
    const connector = createConnector(destination(await sshd.server(), { jump: destination(jump) }));
    const connections = await Promise.all([connector.connect(), connector.connect()]);
    jump.dropConnections();
    for (const connection of connections) {
      const loss = await lossOf(connection);
      expect(loss).toMatchObject({ code: 'host-lost' });
      expect(String(loss)).toContain(`${jump.user}@127.0.0.1:${jump.port}`);
    }
    (await connector.connect()).close();
    await emptied(jump);
  });

  it('is lost when the link to its jump host is dead, and nobody says so', async () => {
    await using jump = await openSshd();
    await using link = await openLinkProxy(jump);
    const hop = destination(jump, { port: link.port, keepaliveMs: 2_000 });
    const connector = createConnector(destination(await sshd.server(), { jump: hop, keepaliveMs: 60_000 }));
    const connection = await connector.connect();
    link.stall();
    const loss = await lossOf(connection);
    expect(loss).toMatchObject({ code: 'host-lost' });
    expect(String(loss)).toContain('no sign of life');
  });
});

describe('a jump host that does not help', () => {
  it.each<readonly [string, readonly string[], string]>([
    ['does not forward', ['AllowTcpForwarding no'], 'permission-denied'],
    ['forwards elsewhere only', ['PermitOpen 127.0.0.1:1'], 'permission-denied'],
  ])('is named when it %s', async (_, config, code) => {
    await using jump = await openSshd({ config });
    const refused = createConnector(destination(await sshd.server(), { jump: destination(jump) })).connect();
    await expect(refused).rejects.toMatchObject({ code });
    await expect(refused).rejects.toThrow('does not forward connections there');
    await emptied(jump);
  });

  it('is named with what it says where it cannot reach the host', async () => {
    await using jump = await openSshd();
    await using gone = await openSshd();
    gone.refuseConnections();
    const refused = createConnector(destination(gone, { jump: destination(jump) })).connect();
    await expect(refused).rejects.toMatchObject({ code: 'host-lost' });
    await expect(refused).rejects.toThrow(/jump host.*could not reach 127.0.0.1.*refused/);
    await emptied(jump);
  });

  it('is named where it cannot be reached or does not let the user in', async () => {
    await using jump = await openSshd();
    const connector = createConnector(destination(await sshd.server(), { jump: destination(jump) }));
    await writeFile(jump.authorizedKeysFile, '');
    await expect(connector.connect()).rejects.toMatchObject({ code: 'permission-denied' });
    jump.refuseConnections();
    const refused = connector.connect();
    await expect(refused).rejects.toMatchObject({ code: 'host-lost' });
    await expect(refused).rejects.toThrow(/jump host.*ECONNREFUSED/);
  });

  it('is given no time of its own', async () => {
    await using jump = await openSshd();
    await using link = await openLinkProxy(jump);
    link.stall();
    const hop = destination(jump, { port: link.port, connectTimeoutMs: 60_000 });
    const connector = createConnector(destination(await sshd.server(), { jump: hop, connectTimeoutMs: 300 }));
    using clock = stopClock();
    const waiting = connector.connect();
    waiting.catch(() => undefined);
    await expect.poll(() => link.connections()).toBe(1);
    clock.pass(300);
    await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
    await expect(waiting).rejects.toThrow('at the jump host');
    await emptied(jump);
  });

  it('keeps no connection of those who left at any step', async () => {
    await using jump = await openSshd();
    await using target = await openSshd();
    const connector = createConnector(destination(target, { jump: destination(jump) }));
    const outcomes = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const stop = AbortSignal.timeout(at * 25);
        const connection = await connector.connect(stop).catch((failure) => failure);
        if (connection instanceof Error) return connection;
        connection.close();
        return undefined;
      }),
    );
    for (const failure of outcomes)
      if (failure !== undefined) expect(failure).toMatchObject({ code: 'aborted' });
    await emptied(jump, target);
  });

  it('is left when the caller has lost interest, unless another waits for it', async () => {
    await using jump = await openSshd();
    const questions: ((answer: string) => void)[] = [];
    const hop = destination(jump, {
      hostKey: {
        knownHosts: [],
        acceptNew: () => new Promise((resolve) => questions.push(() => resolve(true))),
      },
    });
    const connector = createConnector(destination(await sshd.server(), { jump: hop }));
    const stop = new AbortController();
    const leaving = connector.connect(stop.signal);
    const staying = connector.connect();
    await expect.poll(() => questions.length).toBe(1);
    stop.abort();
    await expect(leaving).rejects.toMatchObject({ code: 'aborted' });
    questions[0]?.('yes');
    (await staying).close();
    await emptied(jump);
    const alone = new AbortController();
    jump.refuseConnections();
    const refused = connector.connect(alone.signal);
    alone.abort();
    await expect(refused).rejects.toMatchObject({ code: 'aborted' });
    expect(jump.connections).toBe(0);
  });
});
