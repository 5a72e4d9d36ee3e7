import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { listenOnLoopback } from '../listen-on-loopback.ts';
import { run } from '../run.ts';
import { type LinkProxy, type LinkProxyOptions, openLinkProxy } from './index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());

const servers = new Set<Server>();
const served = new Set<Socket>();
afterEach(async () => {
  for (const socket of served) socket.destroy();
  await Promise.all([...servers].map((server) => new Promise((resolve) => server.close(resolve))));
  servers.clear();
});

/** A proxy before a service of its own. */
async function proxyTo(serve: (socket: Socket) => void, options?: LinkProxyOptions): Promise<LinkProxy> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    served.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => served.delete(socket));
    serve(socket);
  });
  servers.add(server);
  return await openLinkProxy({ host: '127.0.0.1', port: await listenOnLoopback(server) }, options);
}

const echo = (socket: Socket): void => void socket.pipe(socket);

async function client({ host, port }: LinkProxy): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

const closed = async (socket: Socket): Promise<boolean> =>
  await new Promise((resolve) => socket.once('close', resolve));

async function ask(socket: Socket, question: string): Promise<string> {
  socket.write(question);
  let answer = '';
  while (answer.length < question.length) answer += String((await once(socket, 'data'))[0]);
  return answer;
}

async function textOf(socket: Socket): Promise<string> {
  return Buffer.concat(await Array.fromAsync(socket)).toString();
}

describe('a link proxy', () => {
  it('passes everything on in order, half-closed connections and all, at whatever delay', async () => {
    await using proxy = await proxyTo(echo, { delayMs: 20 });
    const socket = await client(proxy);
    const sent = Array.from({ length: 20_000 }, (_, line) => `line ${line}\n`).join('');
    for (let at = 0; at < sent.length; at += 1_000) socket.write(sent.slice(at, at + 1_000));
    socket.end();
    expect(await textOf(socket)).toBe(sent);
    expect([proxy.bytes('up'), proxy.bytes('down')]).toEqual([sent.length, sent.length]);
  });

  it('adds its delay to a round trip, and not to each piece that is sent', async () => {
    await using proxy = await proxyTo(echo, { delayMs: 60 });
    const socket = await client(proxy);
    const order: string[] = [];
    const timer = sleep(55).then(() => order.push('a timer of almost the delay'));
    order.push(await ask(socket, 'answer'));
    await timer;
    expect(order).toEqual(['a timer of almost the delay', 'answer']);
    proxy.setDelay(200);
    proxy.resetRoundTrips();
    socket.end('x'.repeat(8_000_000));
    expect(await textOf(socket)).toHaveLength(8_000_000);
    // 8 MB need more than a hundred pieces; one after the other they would be that many round trips.
    expect(proxy.roundTrips()).toBeLessThan(60);
    proxy.setDelay(0);
    expect(await ask(await client(proxy), 'two')).toBe('two');
    socket.destroy();
  });

  it('holds a sender back whose receiver takes nothing, and loses nothing', async () => {
    let receiver: Socket | undefined;
    await using proxy = await proxyTo((socket) => {
      receiver = socket;
    });
    const socket = await client(proxy);
    const size = 128 * 1024 * 1024;
    socket.end(Buffer.alloc(size));
    await expect.poll(() => proxy.bytes('up')).toBeGreaterThan(0);
    let before = -1;
    while (before < proxy.bytes('up')) {
      before = proxy.bytes('up');
      await sleep(100);
    }
    expect(proxy.bytes('up')).toBeLessThan(size / 2);
    receiver?.resume();
    await once(receiver ?? socket, 'end');
    expect(proxy.bytes('up')).toBe(size);
  });

  it('counts questions that are asked one after the other, and those asked at once as one', async () => {
    await using proxy = await proxyTo(echo, { delayMs: 40 });
    const sockets = await Promise.all(Array.from({ length: 5 }, () => client(proxy)));
    await Promise.all(sockets.map((socket) => ask(socket, 'at once')));
    expect(proxy.roundTrips()).toBe(1);
    proxy.resetRoundTrips();
    expect(proxy.roundTrips()).toBe(0);
    for (const socket of sockets) await ask(socket, 'in turn');
    expect(proxy.roundTrips()).toBe(5);
  });

  it('cuts: both ends see a reset, and a new connection works', async () => {
    const ends: Promise<boolean>[] = [];
    await using proxy = await proxyTo((socket) => {
      ends.push(closed(socket));
      echo(socket);
    });
    const socket = await client(proxy);
    await ask(socket, 'before');
    const end = closed(socket);
    proxy.cut();
    expect(await end).toBe(true);
    expect(await ends[0]).toBe(true);
    expect(await ask(await client(proxy), 'after')).toBe('after');
    expect(proxy.connections()).toBe(1);
  });

  it('cuts once after so many bytes, and lets no more through', async () => {
    let got = 0;
    await using proxy = await proxyTo((socket) => {
      socket.on('data', (chunk: Buffer) => {
        got += chunk.byteLength;
      });
    });
    proxy.cutAfter(100_001, 'up');
    const socket = await client(proxy);
    const end = closed(socket);
    socket.write(Buffer.alloc(1_000_000));
    await end;
    expect(proxy.bytes('up')).toBe(100_001);
    await expect.poll(() => got).toBe(100_001);
    const second = await client(proxy);
    second.write(Buffer.alloc(1_000_000));
    await expect.poll(() => got).toBe(1_100_001);
  });

  it('cuts at a boundary too, without waiting for the byte behind it', async () => {
    await using proxy = await proxyTo(echo);
    proxy.cutAfter(4, 'down');
    const socket = await client(proxy);
    const end = closed(socket);
    socket.write('four');
    await end;
    expect(proxy.bytes('down')).toBe(4);
  });

  it('refuses new connections for as long as it is told to, and keeps those that are open', async () => {
    let taken = 0;
    await using proxy = await proxyTo((socket) => {
      taken += 1;
      echo(socket);
    });
    const old = await client(proxy);
    await ask(old, 'before');
    proxy.refuse();
    const refused = connect({ host: proxy.host, port: proxy.port });
    refused.on('error', () => undefined);
    await closed(refused);
    expect(await ask(old, 'still')).toBe('still');
    proxy.accept();
    expect(await ask(await client(proxy), 'after')).toBe('after');
    expect(taken).toBe(2);
  });

  it('stalls: nothing arrives and nothing closes, and all of it comes when it resumes', async () => {
    const got: string[] = [];
    let ended = 0;
    await using proxy = await proxyTo((socket) => {
      socket.on('data', (chunk) => got.push(chunk.toString()));
      socket.on('end', () => {
        ended += 1;
        socket.end('answer');
      });
    });
    const early = await client(proxy);
    early.write('1');
    await expect.poll(() => got.join('')).toBe('1');
    proxy.stall();
    early.end('2');
    const late = await client(proxy);
    late.end('3');
    await sleep(50);
    expect([got.join(''), ended]).toEqual(['1', 0]);
    proxy.resume();
    expect(await Promise.all([textOf(early), textOf(late)])).toEqual(['answer', 'answer']);
    expect(got.sort()).toEqual(['1', '2', '3']);
  });

  it('strands the target: it sees nothing of the end that the clients see, while new connections work', async () => {
    const ends: Promise<boolean>[] = [];
    let ended = 0;
    await using proxy = await proxyTo((socket) => {
      ends.push(closed(socket));
      socket.once('close', () => {
        ended += 1;
      });
      echo(socket);
    });
    const socket = await client(proxy);
    await ask(socket, 'before');
    const end = closed(socket);
    proxy.strand();
    expect(await end).toBe(true);
    expect(await ask(await client(proxy), 'after')).toBe('after');
    expect([ended, proxy.connections()]).toEqual([0, 1]);
    proxy.cut();
    expect(await ends[0]).toBe(true);
  });

  it('passes a reset on from either side, after what was sent before it', async () => {
    const ends: Promise<boolean>[] = [];
    const got: string[] = [];
    await using proxy = await proxyTo(
      (socket) => {
        ends.push(closed(socket));
        socket.on('data', (chunk) => {
          got.push(chunk.toString());
          if (chunk.includes('reset me')) socket.resetAndDestroy();
        });
      },
      { delayMs: 10 },
    );
    const first = await client(proxy);
    const firstEnd = closed(first);
    first.write('reset me');
    expect(await firstEnd).toBe(true);
    const second = await client(proxy);
    second.write('last words');
    await expect.poll(() => got.join(' ')).toContain('last words');
    second.resetAndDestroy();
    expect(await ends[1]).toBe(true);
  });

  it('resets the clients of a target that is not there', async () => {
    const server = createServer();
    const port = await listenOnLoopback(server);
    await new Promise((resolve) => server.close(resolve));
    await using proxy = await openLinkProxy({ host: '127.0.0.1', port });
    expect(await closed(await client(proxy))).toBe(true);
  });

  it('leaves nothing open, not even of a link that is dead', async () => {
    const ends: Promise<boolean>[] = [];
    const proxy = await proxyTo((socket) => void ends.push(closed(socket)));
    const alive = await client(proxy);
    await expect.poll(() => ends.length).toBe(1);
    proxy.stall();
    const waiting = await client(proxy);
    const clientEnds = [closed(alive), closed(waiting)];
    await proxy[Symbol.asyncDispose]();
    await Promise.all([...clientEnds, ...ends]);
    expect(proxy.connections()).toBe(0);
    const refused = connect({ host: proxy.host, port: proxy.port });
    const [failure] = await once(refused, 'error').catch((cause) => [cause]);
    expect(failure).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('an SSH host behind a link proxy', () => {
  it('works through the delay, counts its waits, and is lost when the link is cut', async (context) => {
    sshd.skipWhereMissing(context);
    await using proxy = await openLinkProxy(await sshd.server(), { delayMs: 5 });
    await using host = await sshd.openHost({ port: proxy.port });
    proxy.resetRoundTrips();
    expect((await run(host, { argv: ['echo', 'hello'] })).stdout).toBe('hello\n');
    const once = proxy.roundTrips();
    expect(once).toBeGreaterThan(0);
    await run(host, { argv: ['echo', 'hello'] });
    expect(proxy.roundTrips()).toBeGreaterThan(once);
    const process = await host.spawn({ argv: ['cat'] });
    proxy.refuse();
    proxy.cut();
    expect(await process.exit).toMatchObject({ kind: 'lost' });
  });
});
