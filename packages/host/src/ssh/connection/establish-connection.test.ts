import { createServer, type Socket } from 'node:net';
import ssh2, {
  type KeyboardAuthContext,
  type Prompt,
  type ServerConfig,
  type Connection as ServerSide,
} from 'ssh2';
import { describe, expect, it } from 'vitest';
import { createHostKey } from '../../../test/host-key.ts';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { stopClock } from '../../../test/stopped-clock.ts';
import { listenOnLoopback } from '../../listen-on-loopback.ts';
import type { LoginQuestions, SshAuthentication } from '../login/authentication.ts';
import { createConnector } from './connection.ts';
import type { SshDestination } from './ssh-destination.ts';

interface TestServer extends AsyncDisposable {
  readonly port: number;
  /** How many sockets are open. */
  open(): number;
}

/** A TCP server that is no good SSH server. */
async function badServer(greet: (socket: Socket) => void): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    // An end may leave the other direction open: only a socket that is gone answers what is sent with a reset.
    socket.resume().once('end', () => {
      const probing = setInterval(() => socket.write('?'), 10);
      socket.once('close', () => clearInterval(probing));
    });
    socket.once('close', () => sockets.delete(socket));
    greet(socket);
  });
  const port = await listenOnLoopback(server);
  return {
    port,
    open: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const hostKey = createHostKey();

/** ssh2's own server, for what OpenSSH's never says. */
async function oddServer(
  greet: (client: ServerSide) => void,
  config: Partial<ServerConfig> = {},
): Promise<TestServer> {
  const clients = new Set<ServerSide>();
  const server = new ssh2.Server({ hostKeys: [hostKey.private], ...config }, (client) => {
    clients.add(client);
    client.on('error', () => undefined);
    client.once('close', () => clients.delete(client));
    greet(client);
  });
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    resolve(address !== null && typeof address === 'object' ? address.port : 0);
  });
  const port = await promise;
  return {
    port,
    open: () => clients.size,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.end();
      await new Promise<void>((done) => server.close(() => done()));
    },
  };
}

function destination(port: number, changes: Partial<SshDestination> = {}): SshDestination {
  const auth = { password: 'a secret' };
  return {
    host: '127.0.0.1',
    port,
    user: 'me',
    auth,
    hostKey: { fingerprint: hostKey.fingerprint },
    connectTimeoutMs: 10_000,
    ...changes,
  };
}

async function expectFailure(
  server: TestServer,
  {
    code,
    says,
    changes = {},
  }: { readonly code: string; readonly says: string | RegExp; readonly changes?: Partial<SshDestination> },
): Promise<void> {
  const connecting = createConnector(destination(server.port, changes)).connect();
  await expect(connecting).rejects.toMatchObject({ name: 'HostError', code });
  await expect(connecting).rejects.toThrow(says);
  await expect(connecting).rejects.not.toThrow('a secret');
  await expect.poll(() => server.open()).toBe(0);
}

describe('something that is no SSH server', () => {
  it.each<readonly [string, (socket: Socket) => void, string]>([
    [
      'speaks HTTP',
      (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'.repeat(2_000)),
      'no SSH server',
    ],
    ['sends one endless line', (socket) => socket.write('x'.repeat(100_000)), 'no SSH server'],
    ['sends lines without end', (socket) => socket.write('hello\n'.repeat(100_000)), 'no SSH server'],
    ['closes at once', (socket) => socket.end(), 'before any keys were exchanged'],
    ['resets at once', (socket) => socket.resetAndDestroy(), 'before any keys were exchanged'],
    [
      'speaks an SSH of the last century',
      (socket) => socket.write('SSH-1.5-OpenSSH_1.2\r\n'),
      'no SSH server',
    ],
    [
      'says garbage after its greeting',
      (socket) => socket.write(`SSH-2.0-x\r\n${'\x7f'.repeat(500)}`),
      'exchange of keys',
    ],
    [
      'closes after its greeting',
      (socket) => socket.end('SSH-2.0-x\r\n'),
      'closed the connection while keys',
    ],
  ])('is found out when it %s', async (_, greet, says) => {
    await using server = await badServer(greet);
    await expectFailure(server, { code: 'host-lost', says });
  });

  it.each([
    ['keeps silent', ''],
    ['keeps silent after its greeting', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('is not waited for when it %s', async (_, text) => {
    using clock = stopClock();
    await using server = await badServer((socket) => {
      socket.write(text);
      socket.once('data', () => clock.pass(10_000));
    });
    await expectFailure(server, { code: 'timeout', says: 'exchanging keys' });
  });

  it('is left when the caller has lost interest', async () => {
    const met = Promise.withResolvers<void>();
    await using server = await badServer(() => met.resolve());
    const stop = new AbortController();
    const connecting = createConnector(destination(server.port)).connect(stop.signal);
    await met.promise;
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'aborted' });
    await expect.poll(() => server.open()).toBe(0);
  });
});

describe('a host that cannot be reached', () => {
  it('is called by what is wrong', async () => {
    const server = await badServer(() => undefined);
    await server[Symbol.asyncDispose]();
    await expectFailure(server, { code: 'host-lost', says: 'ECONNREFUSED', changes: { host: 'localhost' } });
    await expectFailure(server, { code: 'host-lost', says: 'ECONNREFUSED' });
    await expectFailure(server, {
      code: 'host-lost',
      // A resolver may also not answer, or say that it cannot.
      says: /no address.*nowhere\.invalid|nowhere\.invalid.*could not be looked up/,
      changes: { host: 'nowhere.invalid', connectTimeoutMs: LOGIN_MS },
    });
    await expectFailure(server, {
      code: 'invalid-config',
      says: 'a b c',
      changes: { host: 'a b\0c' },
    });
  });
});

describe('a host that exchanges keys', () => {
  it('says so when there is no algorithm in common, and when none is left to offer', async () => {
    await using server = await oddServer(() => undefined, { algorithms: { cipher: ['aes128-cbc'] } });
    await expectFailure(server, { code: 'unsupported', says: 'no algorithm in common' });
    const algorithms = { ciphers: 'rot13' };
    await expectFailure(server, { code: 'unsupported', says: 'rot13', changes: { algorithms } });
  });

  it('uses the algorithms that it is held to', async () => {
    const used = Promise.withResolvers<string>();
    await using server = await oddServer((client) => {
      client.once('handshake', (negotiated) => used.resolve(negotiated.cs.cipher));
      client.on('authentication', (context) => context.accept());
    });
    const algorithms = {
      ciphers: 'aes256-ctr,aes192-ctr',
      kex: '-curve25519*',
      macs: '+hmac-md5',
      hostKeys: '^ssh-rsa',
    };
    const connection = await createConnector(destination(server.port, { algorithms })).connect();
    expect(await used.promise).toBe('aes192-ctr');
    connection.close();
  });

  it('cannot put control characters into a message', async () => {
    await using server = await oddServer((client) => {
      client.on('authentication', (context) => context.reject(['\u001b[2Jpublickey\n' as 'publickey']));
    });
    const connecting = createConnector(destination(server.port)).connect();
    await expect(connecting).rejects.toThrow(/takes: {2}\[2Jpublickey\.$/);
  });
});

/** Asks these, round after round, and lets in whoever answers the last. */
function asking(rounds: readonly (readonly Prompt[])[], texts = { name: '', instructions: '' }) {
  return (client: ServerSide): void => {
    client.on('authentication', (context) => {
      if (context.method !== 'keyboard-interactive') context.reject(['keyboard-interactive']);
      else ask(context, [...rounds]);
    });
  };
  function ask(context: KeyboardAuthContext, left: (readonly Prompt[])[]): void {
    const prompts = left.shift();
    if (prompts === undefined) context.accept();
    else context.prompt([...prompts], texts.name, texts.instructions, () => ask(context, left));
  }
}

describe('a host that asks questions', () => {
  it('hands over what it says as it is, round after round', async () => {
    const texts = { name: '<b>Name</b>', instructions: '\u001b[2J type your password' };
    const rounds = [
      [{ prompt: 'Password: ', echo: false }],
      [
        { prompt: 'Code\u0000: ', echo: true },
        { prompt: 'Why? ', echo: true },
      ],
    ];
    await using server = await oddServer(asking(rounds, texts));
    const asked: LoginQuestions[] = [];
    const keyboardInteractive = async (questions: LoginQuestions): Promise<readonly string[]> => {
      asked.push(questions);
      return questions.prompts.map(() => 'x');
    };
    const connector = createConnector(destination(server.port, { auth: { keyboardInteractive } }));
    (await connector.connect()).close();
    expect(asked).toMatchObject([
      { ...texts, prompts: [{ text: 'Password: ', echo: false }] },
      {
        ...texts,
        prompts: [
          { text: 'Code\u0000: ', echo: true },
          { text: 'Why? ', echo: true },
        ],
      },
    ]);
  });

  it('lets in who is asked nothing', async () => {
    await using server = await oddServer(asking([[], [], []]));
    const auth = { keyboardInteractive: () => Promise.reject(new Error('asked')) };
    (await createConnector(destination(server.port, { auth })).connect()).close();
  });

  const one = [{ prompt: 'again? ', echo: true }];
  it.each<readonly [string, readonly (readonly Prompt[])[]]>([
    ['too often', Array.from({ length: 30 }, () => one)],
    ['too much at once', [Array.from({ length: 30 }, () => ({ prompt: 'x', echo: true }))]],
    ['too long', [[{ prompt: 'x'.repeat(20_000), echo: true }]]],
  ])('is left when it asks %s', async (_, rounds) => {
    await using server = await oddServer(asking(rounds));
    const auth: SshAuthentication = { keyboardInteractive: async ({ prompts }) => prompts.map(() => 'x') };
    await expectFailure(server, { code: 'permission-denied', says: 'asks more than', changes: { auth } });
  });

  it('is told nothing when answering fails', async () => {
    await using server = await oddServer(asking([one]));
    const auth = { keyboardInteractive: () => Promise.reject(new Error('no screen')) };
    await expectFailure(server, {
      code: 'permission-denied',
      says: 'answering its questions failed',
      changes: { auth },
    });
  });
});

describe('a host in the midst of a login', () => {
  it('says that the password has expired', async () => {
    await using server = await oddServer((client) => {
      client.on('authentication', (context) => {
        if (context.method === 'password') context.requestChange('Choose another', () => undefined);
        else context.reject(['password']);
      });
    });
    await expectFailure(server, { code: 'permission-denied', says: 'expired' });
  });

  it('may close the connection', async () => {
    await using server = await oddServer((client) => client.on('authentication', () => client.end()));
    await expectFailure(server, { code: 'host-lost', says: 'before the user was logged in' });
  });

  it('is not waited for when it never answers', async () => {
    using clock = stopClock();
    await using server = await oddServer((client) => client.on('authentication', () => clock.pass(10_000)));
    await expectFailure(server, { code: 'timeout', says: 'logging in' });
  });
});

describe('a connection that is open', () => {
  it('is gone on both sides when it is closed, though the host does not close it', async () => {
    await using server = await oddServer((client) =>
      client.on('authentication', (context) => context.accept()),
    );
    const connection = await createConnector(destination(server.port)).connect();
    expect(server.open()).toBe(1);
    connection.close();
    connection.close();
    await expect.poll(() => connection.lost.aborted).toBe(true);
    expect(connection.lost.reason).toMatchObject({
      code: 'host-lost',
      message: expect.stringContaining('closed'),
    });
    await expect.poll(() => server.open()).toBe(0);
  });
});
