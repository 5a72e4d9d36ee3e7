import { randomUUID } from 'node:crypto';
import { getEventListeners, once } from 'node:events';
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { fewestRoundTrips } from '../../../test/fewest-round-trips.ts';
import { LOGIN_MS, PLACE_MS } from '../../../test/login-time.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { stopClock } from '../../../test/stopped-clock.ts';
import type { Host, HostConnection, HostListener, ListenPlace } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { forward, remoteForward } from '../../index.ts';
import { listenOnLoopback } from '../../listen-on-loopback.ts';
import { run } from '../../run.ts';
import { openLinkProxy, openSshd } from '../../testing/index.ts';
import { createConnector } from '../connection/connection.ts';
import { type LinkChange, openSshHost, type SshHostOptions } from '../index.ts';
import { createSshLink } from '../link/ssh-link.ts';
import { listenRemotely } from './listen.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

/** A host behind a server with these lines of configuration. */
async function withServer(
  config: readonly string[],
  check: (host: Host) => Promise<void>,
  changes: Partial<SshHostOptions> = {},
): Promise<void> {
  await using server = await openSshd({ config });
  const { host, port, user, privateKey, fingerprint } = server;
  await using opened = await openSshHost({
    host,
    port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
    connectTimeoutMs: LOGIN_MS,
    ...changes,
  });
  await check(opened);
}

async function taken(listener: HostListener): Promise<HostConnection> {
  const { value } = await listener.connections[Symbol.asyncIterator]().next();
  if (value === undefined) throw new Error('The listener has ended.');
  return value;
}

function portOf({ target }: Pick<HostListener, 'target'>): number {
  if ('socket' in target) throw new Error('It is a socket.');
  return target.port;
}

async function client(port: number): Promise<Socket> {
  const socket = netConnect({ port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const serveEcho = async (listener: HostListener): Promise<void> => {
  for await (const { readable, writable } of listener.connections) {
    readable.pipeTo(writable).catch(() => undefined);
  }
};

async function ask(port: number, text: string): Promise<string> {
  const socket = await client(port);
  socket.end(text);
  return Buffer.concat(await Array.fromAsync(socket)).toString();
}

async function folderOn(host: Host): Promise<HostPath> {
  const folder = joinHostPath(host.tmp, `seedbed-listen-${randomUUID()}`);
  await host.makeDirectory(folder, { mode: 0o700 });
  return folder;
}

describe('listening on an SSH host', () => {
  it.each(['AllowTcpForwarding no', 'AllowTcpForwarding local', 'PermitListen 9', 'DisableForwarding yes'])(
    'says that it is not allowed under %s',
    async (line) => {
      await withServer([line], async (host) => {
        await expect(host.listen({})).rejects.toMatchObject({ code: 'permission-denied' });
        await expect(host.listen({})).rejects.toThrow('AllowTcpForwarding');
      });
    },
  );

  it('says so for sockets too, and says of connecting that it cannot know', async () => {
    await withServer(['AllowStreamLocalForwarding no'], async (host) => {
      const socket = joinHostPath(host.tmp, `${randomUUID()}.sock`);
      await expect(host.listen({ socket })).rejects.toMatchObject({ code: 'permission-denied' });
      await expect(host.listen({ socket })).rejects.toThrow('AllowStreamLocalForwarding');
      await expect(host.connect({ socket })).rejects.toThrow('AllowStreamLocalForwarding');
    });
  });

  it('keeps to loopback, or refuses: where the server would open every port to the network', async () => {
    await withServer(['GatewayPorts yes'], async (host) => {
      await expect(host.listen({})).rejects.toMatchObject({ code: 'unsupported' });
      await expect(host.listen({ address: '127.0.0.2' })).rejects.toThrow('GatewayPorts');
      await using open = await host.listen({ address: '0.0.0.0' });
      expect(open.target).toMatchObject({ address: '0.0.0.0' });
    });
  });

  it('says that it cannot listen for other machines where the server only listens for its own', async () => {
    await withServer(['GatewayPorts no'], async (host) => {
      for (const address of ['0.0.0.0', '::', '127.0.0.2', '192.0.2.77'])
        await expect(host.listen({ address })).rejects.toMatchObject({ code: 'permission-denied' });
    });
  });

  it('listens where it is told to, where the server lets the client say', async () => {
    await withServer(['GatewayPorts clientspecified'], async (host) => {
      await using listener = await host.listen({ address: '127.0.0.2' });
      void serveEcho(listener);
      await expect(client(portOf(listener))).rejects.toThrow('ECONNREFUSED');
      await using connection = await host.connect(listener.target);
      await connection.writable.close();
      expect(await new Response(connection.readable).text()).toBe('');
      await expect(host.listen({ address: '192.0.2.77' })).rejects.toMatchObject({
        code: 'permission-denied',
      });
    });
  });

  it('makes a socket its user’s alone where the server would not', async () => {
    await withServer(['StreamLocalBindMask 0000'], async (host) => {
      const socket = joinHostPath(host.tmp, `${randomUUID()}.sock`);
      await using _ = await host.listen({ socket });
      expect(await host.stat(socket)).toMatchObject({ mode: 0o600 });
    });
  });

  it('replaces a socket that a crash has left, and none on which somebody listens, under whatever name', async () => {
    await using host = await sshd.openHost();
    const folder = await folderOn(host);
    const socket = joinHostPath(folder, 'left.sock');
    const server = createServer();
    try {
      await new Promise<void>((resolve) => server.listen(joinHostPath(folder, 'first.sock'), resolve));
      await host.rename(joinHostPath(folder, 'first.sock'), socket);
      await expect(host.listen({ socket })).rejects.toMatchObject({ code: 'already-exists' });
      // Node removes the name that it has bound, which is another by now.
      await new Promise((resolve) => server.close(resolve));
      await using listener = await host.listen({ socket });
      void serveEcho(listener);
      await using connection = await host.connect({ socket });
      const writer = connection.writable.getWriter();
      await writer.write(Buffer.from('alive'));
      await writer.close();
      expect(await new Response(connection.readable).text()).toBe('alive');
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });

  it('does not remove what has taken the place of its socket', async () => {
    await using host = await sshd.openHost();
    const folder = await folderOn(host);
    try {
      const socket = joinHostPath(folder, 's');
      const listener = await host.listen({ socket });
      await host.remove(socket);
      await host.writeFile(socket, 'somebody else’s');
      await listener[Symbol.asyncDispose]();
      expect(await host.stat(socket)).toMatchObject({ kind: 'file' });
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });

  it('leaves no socket when the host is disposed of', async () => {
    await using other = await sshd.openHost();
    const folder = await folderOn(other);
    try {
      const host = await sshd.openHost();
      const listener = await host.listen({ socket: joinHostPath(folder, 's') });
      await host[Symbol.asyncDispose]();
      expect(listener.signal.aborted).toBe(true);
      expect(await Array.fromAsync(other.list(folder))).toEqual([]);
    } finally {
      await other.remove(folder, { recursive: true });
    }
  });

  it('takes a thousand connections at once, most of which say nothing', async () => {
    await using host = await sshd.openHost();
    await using listener = await host.listen({});
    void serveEcho(listener);
    const silent: Socket[] = [];
    // In rounds: sshd's own queue holds 128.
    while (silent.length < 950)
      silent.push(...(await Promise.all(Array.from({ length: 50 }, () => client(portOf(listener))))));
    const asked = Array.from({ length: 50 }, (_, number) => ask(portOf(listener), `number ${number}`));
    expect(await Promise.all(asked)).toEqual(asked.map((_, number) => `number ${number}`));
    for (const socket of silent) socket.destroy();
    expect(await ask(portOf(listener), 'afterwards')).toBe('afterwards');
  }, 60_000);

  it('carries 100 MB both ways through tunnels in both directions', async () => {
    const service = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
    const port = await listenOnLoopback(service);
    try {
      await using host = await sshd.openHost();
      await using there = await remoteForward(host, { port });
      await using here = await forward(host, there.target);
      const size = 100 * 1024 * 1024;
      const socket = await client(here.port);
      socket.end(Buffer.alloc(size, 'seedbed '));
      let got = 0;
      for await (const chunk of socket) {
        const bytes: Buffer = chunk;
        const expected = Buffer.alloc(bytes.length + 8, 'seedbed ').subarray(
          got % 8,
          (got % 8) + bytes.length,
        );
        if (!bytes.equals(expected))
          throw new Error(`Another byte than was sent, between ${got} and ${got + bytes.length}.`);
        got += bytes.length;
      }
      expect(got).toBe(size);
    } finally {
      await new Promise((resolve) => service.close(resolve));
    }
  }, 120_000);

  it('reads nothing from a connection that nobody has taken', async () => {
    await using proxy = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: proxy.port });
    await using listener = await host.listen({});
    const before = proxy.bytes('down');
    const flood = await client(portOf(listener));
    flood.write(Buffer.alloc(32 * 1024 * 1024));
    await sleep(300);
    expect(proxy.bytes('down') - before).toBeLessThan(1024 * 1024);
    const reader = (await taken(listener)).readable.getReader();
    expect((await reader.read()).value?.byteLength).toBeGreaterThan(0);
    flood.destroy();
  });

  it('needs few round trips, for a port and for a socket', async () => {
    await using proxy = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: proxy.port });
    const folder = await folderOn(host);
    const places: readonly ListenPlace[] = [{}, { socket: joinHostPath(folder, 's') }];
    proxy.setDelay(60);
    for (const place of places) {
      const fewest = await fewestRoundTrips(proxy, async (count) => {
        await using _ = await host.listen(place);
        count();
      });
      expect(fewest).toBeLessThanOrEqual(3);
    }
    await host.remove(folder, { recursive: true });
  });

  it('stops at its signal, also when the host does not answer, and takes back what comes of it', async () => {
    await using proxy = await openLinkProxy(await sshd.server());
    await using host = await sshd.openHost({ port: proxy.port });
    const folder = await folderOn(host);
    const socket = joinHostPath(folder, 's');
    proxy.stall();
    const controller = new AbortController();
    const listening = host.listen({ socket }, { signal: controller.signal });
    controller.abort();
    await expect(listening).rejects.toMatchObject({ code: 'aborted' });
    const connecting = host.connect({ port: 9 }, { signal: AbortSignal.timeout(5) });
    await expect(connecting).rejects.toMatchObject({ code: 'aborted' });
    proxy.resume();
    await expect.poll(() => Array.fromAsync(host.list(folder))).toEqual([]);
    await host.remove(folder, { recursive: true });
  });
});

it('lets go of a place that the host gives when nobody waits for it any more', async () => {
  const found = createServer();
  const port = await listenOnLoopback(found);
  await new Promise((resolve) => found.close(resolve));
  await using proxy = await openLinkProxy(await sshd.server());
  await using host = await sshd.openHost({ port: proxy.port });
  proxy.stall();
  {
    using clock = stopClock();
    let isOver = false;
    const refused = expect(host.listen({ port })).rejects.toMatchObject({ code: 'timeout' });
    void refused.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      await new Promise(setImmediate);
      clock.pass(60_000);
    }
    await refused;
  }
  proxy.resume();
  const again = async (): Promise<string> => {
    await using listener = await host.listen({ port });
    return `listens on ${portOf(listener)}`;
  };
  await expect.poll(() => again().catch(({ code }) => code)).toBe(`listens on ${port}`);
});

describe('listening on an SSH host whose link breaks', () => {
  const patient = { keepaliveMs: 1_500, waitMs: 40_000 };

  it('fails the connections that it led, and listens at the same port when the link is back', async () => {
    const { port } = await sshd.server();
    await using proxy = await openLinkProxy({ host: '127.0.0.1', port });
    await using host = await sshd.openHost({ port: proxy.port, ...patient });
    await using listener = await host.listen({});
    const stranger = await client(portOf(listener));
    stranger.write('before');
    const connection = await taken(listener);
    const reader = connection.readable.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('before');
    const pending = expect(reader.read()).rejects.toMatchObject({ code: 'host-lost' });
    const gone = once(stranger, 'end');
    stranger.resume();
    proxy.cut();
    await pending;
    await gone;
    stranger.destroy();
    void serveEcho(listener);
    await expect.poll(() => ask(portOf(listener), 'after').catch(() => '')).toBe('after');
    expect(listener.signal.aborted).toBe(false);
  }, 60_000);

  it('gets its place back from a server that does not know yet that the link is gone', async () => {
    const { port } = await sshd.server();
    await using proxy = await openLinkProxy({ host: '127.0.0.1', port });
    await using host = await sshd.openHost({ port: proxy.port, ...patient });
    const folder = await folderOn(host);
    try {
      await using byPort = await host.listen({});
      await using bySocket = await host.listen({ socket: joinHostPath(folder, 's') });
      void serveEcho(byPort);
      void serveEcho(bySocket);
      expect(await ask(portOf(byPort), 'before')).toBe('before');
      proxy.strand();
      await expect.poll(() => ask(portOf(byPort), 'after').catch(() => '')).toBe('after');
      const throughSocket = async (): Promise<string> => {
        await using connection = await host.connect(bySocket.target);
        await connection.writable.close();
        return await new Response(connection.readable).text();
      };
      await expect.poll(() => throughSocket().catch(() => 'no')).toBe('');
    } finally {
      await host.remove(folder, { recursive: true });
    }
    expect(await run(host, { argv: ['true'] })).toMatchObject({ exit: { code: 0 } });
  }, 90_000);

  it('is disposed of while the link is broken, and leaves no socket once it is back', async () => {
    await using proxy = await openLinkProxy(await sshd.server());
    const interrupted = Promise.withResolvers<void>();
    const onLinkChange = ({ state }: LinkChange): void => {
      if (state === 'interrupted') interrupted.resolve();
    };
    await using host = await sshd.openHost({ port: proxy.port, ...patient, onLinkChange });
    const folder = await folderOn(host);
    const listener = await host.listen({ socket: joinHostPath(folder, 's') });
    proxy.refuse();
    proxy.strand();
    await interrupted.promise;
    await listener[Symbol.asyncDispose]();
    expect(await Array.fromAsync(listener.connections)).toEqual([]);
    proxy.accept();
    await expect.poll(() => Array.fromAsync(host.list(folder))).toEqual([]);
    await host.remove(folder, { recursive: true });
  }, 60_000);

  it('keeps a forward open on this side, which works again when the link is back', async () => {
    const service = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => socket.destroy());
      socket.pipe(socket);
    });
    const target = { port: await listenOnLoopback(service) };
    try {
      const { port } = await sshd.server();
      await using proxy = await openLinkProxy({ host: '127.0.0.1', port });
      await using host = await sshd.openHost({ port: proxy.port, ...patient });
      await using tunnel = await forward(host, target);
      const open = await client(tunnel.port);
      open.write('one');
      await once(open, 'data');
      // A part must not look like the whole.
      const broken = new Promise((resolve) => open.once('error', resolve));
      proxy.cut();
      expect(await broken).toMatchObject({ code: 'ECONNRESET' });
      expect(await ask(tunnel.port, 'two')).toBe('two');
    } finally {
      await new Promise((resolve) => service.close(resolve));
    }
  }, 60_000);

  it('ends with the host when the link does not come back', async () => {
    const { port } = await sshd.server();
    await using proxy = await openLinkProxy({ host: '127.0.0.1', port });
    await using host = await sshd.openHost({ port: proxy.port, reconnectForMs: 300, waitMs: 200 });
    await using listener = await host.listen({});
    await using tunnel = await forward(host, listener.target);
    const next = listener.connections[Symbol.asyncIterator]().next();
    const ended = expect(next).rejects.toMatchObject({ code: 'host-lost' });
    proxy.refuse();
    proxy.cut();
    await ended;
    expect(listener.signal.reason).toMatchObject({ code: 'host-lost' });
    expect(host.signal.aborted).toBe(true);
    await expect
      .poll(() =>
        client(tunnel.port).then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed');
    await expect(host.listen({})).rejects.toMatchObject({ code: 'host-lost' });
  }, 60_000);
});

describe('a listener that has ended', () => {
  it('leaves nothing on the connection, however many there have been', async () => {
    const server = await sshd.server();
    const { host, port, user, privateKey, fingerprint } = server;
    const connector = createConnector({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } });
    const connection = await connector.connect();
    const link = createSshLink(connection, {
      connector,
      maxConnections: 1,
      waitMs: PLACE_MS,
      operationTimeoutMs: LOGIN_MS,
      idleMs: 60_000,
      reconnectForMs: 60_000,
      onChange: () => undefined,
    });
    try {
      const listenOnce = async (): Promise<void> => {
        await using listener = await listenRemotely(link, { port: 0 }, undefined);
        expect(portOf(listener)).toBeGreaterThan(0);
      };
      await listenOnce();
      const before = getEventListeners(connection.lost, 'abort').length;
      for (let count = 0; count < 8; count += 1) await listenOnce();
      // Shells come and go meanwhile.
      expect(getEventListeners(connection.lost, 'abort').length).toBeLessThan(before + 8);
    } finally {
      link.close();
    }
  }, 60_000);
});
