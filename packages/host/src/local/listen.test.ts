import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, connect as netConnect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hostPath, joinHostPath } from '../host-path.ts';
import { forward, remoteForward } from '../index.ts';
import { listenOnLoopback } from '../listen-on-loopback.ts';
import { createLocalHost } from './index.ts';

let folder = hostPath('/');
beforeEach(async () => {
  folder = hostPath(await mkdtemp(join(tmpdir(), 'seedbed-listen-')));
});
afterEach(() => rm(folder, { recursive: true }));

describe('listening on the local host', () => {
  it('replaces a socket that a crash has left, and none on which somebody listens, under whatever name', async () => {
    await using host = createLocalHost();
    const socket = joinHostPath(folder, 's');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(folder, 'first'), resolve));
    await rename(join(folder, 'first'), socket);
    await expect(host.listen({ socket })).rejects.toMatchObject({ code: 'already-exists' });
    // Node removes the name that it has bound, which is another by now.
    await new Promise((resolve) => server.close(resolve));
    await using listener = await host.listen({ socket });
    await using connection = await host.connect(listener.target);
    expect(connection).toBeDefined();
    expect(await readdir(folder)).toEqual(['s']);
  });

  it('leaves no socket, and nothing that takes connections, when the host is disposed of', async () => {
    const host = createLocalHost();
    const listener = await host.listen({ socket: joinHostPath(folder, 's') });
    await host[Symbol.asyncDispose]();
    expect(listener.signal.aborted).toBe(true);
    expect(await Array.fromAsync(listener.connections)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
    await expect(host.listen({})).rejects.toMatchObject({ code: 'host-lost' });
  });

  it('does not remove what has taken the place of its socket', async () => {
    await using host = createLocalHost();
    const socket = joinHostPath(folder, 's');
    const listener = await host.listen({ socket });
    await rm(socket);
    await writeFile(socket, 'somebody else’s');
    await listener[Symbol.asyncDispose]();
    expect((await stat(socket)).isFile()).toBe(true);
  });

  it('says when the machine does not have the address', async () => {
    await using host = createLocalHost();
    await expect(host.listen({ address: '192.0.2.77' })).rejects.toMatchObject({ code: 'not-found' });
  });

  it('refuses a socket whose path is too long once its folder is counted', async () => {
    await using host = createLocalHost();
    const deep = joinHostPath(folder, 'd'.repeat(103 - folder.length));
    await host.makeDirectory(deep);
    const listening = host.listen({ socket: joinHostPath(deep, 's') });
    await expect(listening).rejects.toMatchObject({ code: 'invalid-path' });
    await expect(listening).rejects.toThrow('bytes');
    expect(await readdir(deep)).toEqual([]);
  });
});

describe('a tunnel', () => {
  it('passes a reset on, so that a part does not look like the whole', async () => {
    const service = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write('a part', () => socket.resetAndDestroy()));
    });
    const port = await listenOnLoopback(service);
    try {
      await using host = createLocalHost();
      await using there = await remoteForward(host, { port });
      await using here = await forward(host, there.target);
      const client = netConnect({ port: here.port, host: here.address });
      const failure = new Promise((resolve) => client.once('error', resolve));
      client.resume();
      client.write('begin');
      expect(await failure).toMatchObject({ code: 'ECONNRESET' });
    } finally {
      await new Promise((resolve) => service.close(resolve));
    }
  });

  it('resets who connects while there is no service', async () => {
    const service = createServer();
    const port = await listenOnLoopback(service);
    await new Promise((resolve) => service.close(resolve));
    await using host = createLocalHost();
    await using tunnel = await forward(host, { port });
    const client = netConnect({ port: tunnel.port, host: tunnel.address });
    expect(await new Promise((resolve) => client.once('error', resolve))).toMatchObject({
      code: 'ECONNRESET',
    });
  });

  it('ends with the host', async () => {
    const host = createLocalHost();
    const tunnel = await forward(host, { port: 9 }, { socket: join(folder, 's') });
    await using remote = await remoteForward(host, { port: 9 });
    await host[Symbol.asyncDispose]();
    await expect.poll(() => readdir(folder)).toEqual([]);
    expect(remote.signal.aborted).toBe(true);
    await tunnel[Symbol.asyncDispose]();
  });

  it('is not opened when its caller has lost interest', async () => {
    await using host = createLocalHost();
    const signal = AbortSignal.abort();
    await expect(forward(host, { port: 9 }, { signal })).rejects.toMatchObject({ code: 'aborted' });
    await expect(remoteForward(host, { port: 9 }, { signal })).rejects.toMatchObject({ code: 'aborted' });
  });
});
