import { readFile, writeFile } from 'node:fs/promises';
import { connect as connectSocket, type Socket } from 'node:net';
import { Client, type ConnectConfig } from 'ssh2';
import { beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../test/login-time.ts';
import { HostError } from '../host-error.ts';
import { findSshd, openSshd, type TestSshd, type TestSshdOptions } from './sshd.ts';

beforeEach((context) => {
  context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
});

type Answer = (
  name: string,
  instructions: string,
  language: string,
  prompts: readonly object[],
  finish: (answers: string[]) => void,
) => void;

/** Logs in with ssh2 as it is. */
async function logIn(
  server: TestSshd,
  login: ConnectConfig,
  answer?: Answer,
): Promise<Client & AsyncDisposable> {
  const client = new Client();
  if (answer !== undefined) client.on('keyboard-interactive', answer);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  client.once('ready', resolve);
  client.on('error', reject);
  client.connect({
    host: server.host,
    port: server.port,
    username: server.user,
    readyTimeout: LOGIN_MS,
    ...login,
  });
  await promise;
  return Object.assign(client, {
    async [Symbol.asyncDispose]() {
      client.end();
    },
  });
}

async function openWithPassword(options: TestSshdOptions): Promise<TestSshd | undefined> {
  try {
    return await openSshd(options);
  } catch (failure) {
    if (failure instanceof HostError && failure.code === 'unsupported') return undefined;
    throw failure;
  }
}

async function connectedSocket(port: number): Promise<Socket> {
  const socket = connectSocket(port, '127.0.0.1');
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  socket.once('data', () => resolve());
  socket.on('error', reject);
  socket.on('close', () => reject(new Error('closed')));
  await promise;
  return socket;
}

describe('a test server', () => {
  it('refuses new connections and accepts them again on the same port, while open ones stay', async () => {
    await using server = await openSshd();
    const login = { privateKey: server.privateKey };
    await using first = await logIn(server, login);
    server.refuseConnections();
    server.refuseConnections();
    await expect(logIn(server, login)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await new Promise<void>((resolve, reject) => {
      first.exec('true', (failure, channel) => {
        if (failure !== undefined) reject(failure);
        else channel.resume().once('close', resolve);
      });
    });
    await server.acceptConnections();
    await server.acceptConnections();
    await using _ = await logIn(server, login);
    expect(server.connections).toBe(2);
  });

  it('ends, though it was refusing connections', async () => {
    const server = await openSshd();
    const socket = await connectedSocket(server.port);
    server.refuseConnections();
    await server[Symbol.asyncDispose]();
    socket.destroy();
    await expect(connectedSocket(server.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(readFile(server.privateKeyFile)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lets nobody in any more whose key was revoked', async () => {
    await using server = await openSshd();
    const login = { privateKey: server.privateKey };
    await using _ = await logIn(server, login);
    await writeFile(server.authorizedKeysFile, '');
    await expect(logIn(server, login)).rejects.toMatchObject({ level: 'client-authentication' });
  });

  it('shows another key when told to', async () => {
    await using server = await openSshd();
    const before = server.fingerprint;
    await server.changeHostKey();
    let shown: Buffer | undefined;
    const hostVerifier = (key: Buffer): boolean => {
      shown = key;
      return true;
    };
    await using _ = await logIn(server, { privateKey: server.privateKey, hostVerifier });
    expect(server.publicKey.split(' ')[1]).toBe(shown?.toString('base64'));
    expect(server.fingerprint).not.toBe(before);
  });

  it('checks a password of its own, asked for in either way', async (context) => {
    const password = `pass 'word' "\\ü$x`;
    await using server = await openWithPassword({ password });
    if (server === undefined) {
      expect(process.getuid?.()).not.toBe(0);
      context.skip();
      return;
    }
    await using _first = await logIn(server, { password });
    const answer: Answer = (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map(() => password));
    };
    await using _second = await logIn(server, { tryKeyboard: true }, answer);
    await expect(logIn(server, { password: `${password}.` })).rejects.toMatchObject({
      level: 'client-authentication',
    });
  });

  it('can ask for a key and a password', async (context) => {
    const config = ['AuthenticationMethods publickey,password'];
    await using server = await openWithPassword({ password: 'secret', config });
    if (server === undefined) {
      expect(process.getuid?.()).not.toBe(0);
      context.skip();
      return;
    }
    const { privateKey } = server;
    await using _ = await logIn(server, {
      authHandler: ['publickey', 'password'],
      privateKey,
      password: 'secret',
    });
    await expect(logIn(server, { privateKey })).rejects.toMatchObject({ level: 'client-authentication' });
    await expect(logIn(server, { password: 'secret' })).rejects.toMatchObject({
      level: 'client-authentication',
    });
  });
});
