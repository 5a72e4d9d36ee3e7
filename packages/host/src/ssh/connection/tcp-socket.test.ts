import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import type { Host } from '../../host.ts';
import { type HostPath, joinHostPath } from '../../host-path.ts';
import { listenOnLoopback } from '../../listen-on-loopback.ts';
import { run } from '../../run.ts';
import { openSshd, type TestSshd } from '../../testing/index.ts';
import { type LinkChange, openSshHost, type SshHostOptions } from '../index.ts';
import { openTcpSocket } from './tcp-socket.ts';

beforeEach((context) => sshdForTests().skipWhereMissing(context));

async function openHost(
  { host, port, user, privateKey, fingerprint }: TestSshd,
  options: Partial<SshHostOptions> = {},
): Promise<Host> {
  return await openSshHost({
    host,
    port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
    connectTimeoutMs: LOGIN_MS,
    ...options,
  });
}

async function withFolder(host: Host, use: (folder: HostPath) => Promise<void>): Promise<void> {
  const folder = joinHostPath(host.tmp, `seedbed-${randomBytes(8).toString('hex')}`);
  await host.makeDirectory(folder);
  try {
    await use(folder);
  } finally {
    await host.remove(folder, { recursive: true });
  }
}

function sha256(...chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

describe('bytes over SSH', () => {
  it.each([
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'aes256-ctr',
    'chacha20-poly1305@openssh.com',
  ])(
    'arrive as they were, both ways at once, through key exchanges, with %s',
    async (cipher) => {
      await using server = await openSshd({ config: [`Ciphers ${cipher}`, 'RekeyLimit 1M'] });
      await using host = await openHost(server, { maxConnections: 1 });
      await withFolder(host, async (folder) => {
        const files = [0, 1, 2].map((number) => ({
          path: joinHostPath(folder, `${number}`),
          copy: joinHostPath(folder, `${number}-copy`),
          bytes: randomBytes(4_000_000 + number),
        }));
        await Promise.all(files.map(({ path, bytes }) => host.writeFile(path, bytes)));
        const read = async (path: HostPath): Promise<string> => {
          const chunks: Uint8Array[] = [];
          // Kept to the end: none may be written over by what is received later.
          for await (const chunk of await host.readFile(path)) chunks.push(chunk);
          return sha256(...chunks);
        };
        const [sums] = await Promise.all([
          Promise.all(files.map(({ path }) => read(path))),
          Promise.all(files.map(({ copy, bytes }) => host.writeFile(copy, bytes))),
        ]);
        const expected = files.map(({ bytes }) => sha256(bytes));
        expect(sums).toEqual(expected);
        const { stdout } = await run(host, { argv: ['sha256sum', ...files.map(({ copy }) => copy)] });
        expect(stdout.match(/^[0-9a-f]{64}/gm)).toEqual(expected);
      });
    },
    60_000,
  );

  it('take their time on a slow link, which is not taken for a dead one', async () => {
    await using server = await openSshd();
    const sockets = new Set<Socket>();
    const slow = createServer({ pauseOnConnect: true }, (client) => {
      const service = connect({ host: server.host, port: server.port, noDelay: true });
      for (const socket of [client, service]) {
        sockets.add(socket);
        socket.on('error', () => undefined);
        socket.once('close', () => {
          for (const other of [client, service]) other.destroy();
        });
      }
      service.pipe(client);
      void (async () => {
        for await (const chunk of client) {
          service.write(chunk);
          await delay(chunk.byteLength / 1_500);
        }
      })().catch(() => undefined);
    });
    const port = await listenOnLoopback(slow);
    const changes: LinkChange[] = [];
    try {
      const onLinkChange = (change: LinkChange): void => void changes.push(change);
      await using host = await openHost(server, { port, keepaliveMs: 2_000, onLinkChange });
      await withFolder(host, async (folder) => {
        const path = joinHostPath(folder, 'file');
        await host.writeFile(path, new Uint8Array(15_000_000));
        expect((await host.stat(path))?.size).toBe(15_000_000);
      });
      expect(changes).toEqual([]);
    } finally {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => slow.close(resolve));
    }
  });
});

describe('the socket below an SSH connection', () => {
  it('keeps what comes before somebody listens, and sends in one piece what is written in one go', async () => {
    const received: string[] = [];
    const server = createServer((socket) => {
      socket.write('hello');
      socket.on('data', (chunk) => {
        received.push(chunk.toString());
        socket.end();
      });
    });
    const port = await listenOnLoopback(server);
    const { socket } = openTcpSocket({ host: '127.0.0.1', port });
    try {
      await new Promise((resolve) => socket.once('connect', resolve));
      await delay(50);
      const greeting = new Promise((resolve) => socket.once('data', resolve));
      socket.resume();
      expect(String(await greeting)).toBe('hello');
      const over = new Promise((resolve) => socket.once('close', resolve));
      for (const piece of ['a', 'bc', 'def']) socket.write(piece);
      await over;
      expect(received).toEqual(['abcdef']);
    } finally {
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it('gives what a listener may keep, unless it is told that none keeps anything', async () => {
    const server = createServer((socket) => {
      socket.on('data', (chunk) => socket.write(chunk));
    });
    const port = await listenOnLoopback(server);
    const { socket, cipherChanged } = openTcpSocket({ host: '127.0.0.1', port });
    const kept: Buffer[] = [];
    const places = (chunks: readonly Buffer[]): number =>
      new Set(chunks.map(({ byteOffset }) => byteOffset)).size;
    let wake: (() => void) | undefined;
    socket.on('data', (chunk: Buffer) => {
      kept.push(chunk);
      wake?.();
    });
    const echo = async (text: string): Promise<void> => {
      const arrived = new Promise<void>((resolve) => {
        wake = resolve;
      });
      socket.write(text);
      await arrived;
    };
    try {
      socket.resume();
      cipherChanged('chacha20-poly1305@openssh.com');
      for (let number = 0; number < 40; number += 1) await echo(`${number}`);
      expect(kept.map(String)).toEqual(Array.from({ length: 40 }, (_, number) => `${number}`));
      cipherChanged('aes128-gcm@openssh.com');
      for (let number = 40; number < 80; number += 1) await echo(`${number}`);
      expect(
        new Set(kept.slice(-20).map(({ byteOffset, buffer }) => `${byteOffset} ${buffer.byteLength}`)).size,
      ).toBe(1);
      expect(places(kept.slice(-20))).toBe(1);
      // Who changes what it is given decrypts in place, and needs memory of its own for each.
      cipherChanged('aes256-gcm@openssh.com');
      socket.on('data', (chunk: Buffer) => chunk.fill(0));
      kept.length = 0;
      for (let number = 0; number < 40; number += 1) await echo(`${number}`);
      expect(places(kept)).toBeGreaterThan(1);
    } finally {
      socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });
});
