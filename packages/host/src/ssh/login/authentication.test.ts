import { chmod, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { makeKey, startAgent, type TestFolder, testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { stopClock } from '../../../test/stopped-clock.ts';
import { type Connector, createConnector } from '../connection/connection.ts';
import type { AskSecret, SecretRequest, SshAuthentication } from './authentication.ts';

const sshd = sshdForTests();
let folder: TestFolder;
let files = 0;
beforeAll(async () => {
  folder = await testFolder();
});
beforeEach((context) => sshd.skipWhereMissing(context));
afterAll(async () => {
  await sshd.close();
  await folder[Symbol.asyncDispose]();
});

function freshFile(): string {
  files += 1;
  return join(folder.path, `key-${files}`);
}

async function connectorFor(auth: SshAuthentication): Promise<Connector> {
  const { host, port, user, fingerprint } = await sshd.server();
  return createConnector({ host, port, user, auth, hostKey: { fingerprint }, connectTimeoutMs: LOGIN_MS });
}

async function logIn(auth: SshAuthentication): Promise<void> {
  const connector = await connectorFor(auth);
  (await connector.connect()).close();
}

async function authorize(...lines: readonly string[]): Promise<void> {
  await writeFile((await sshd.server()).authorizedKeysFile, lines.join(''));
}

/** Says these, one after the other, and keeps what it was asked. */
function teller(...secrets: readonly (string | undefined)[]): { ask: AskSecret; asked: SecretRequest[] } {
  const asked: SecretRequest[] = [];
  return {
    asked,
    async ask(request) {
      asked.push(request);
      return secrets[asked.length - 1];
    },
  };
}

describe('logging in with a key', () => {
  it.each<readonly [string, readonly string[]]>([
    ['Ed25519', []],
    ['RSA', ['-t', 'rsa', '-b', '2048']],
    ['RSA as PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
    ['ECDSA', ['-t', 'ecdsa']],
  ])('takes one of %s, as text and as a file', async (_, argv) => {
    const key = await makeKey(freshFile(), ...argv);
    await authorize(key.publicLine);
    await logIn({ privateKey: key.text });
    await logIn({ privateKeyFile: key.file });
  });

  it.each<readonly [string, readonly string[]]>([
    ['OpenSSH format', []],
    ['PEM', ['-t', 'rsa', '-b', '2048', '-m', 'PEM']],
  ])('opens one that is encrypted, in %s, with a passphrase that is given', async (_, argv) => {
    const key = await makeKey(freshFile(), '-N', 'pass phrase', ...argv);
    await authorize(key.publicLine);
    await logIn({ privateKey: key.text, passphrase: 'pass phrase' });
    await logIn({ privateKeyFile: key.file, passphrase: 'pass phrase' });
    for (const passphrase of ['another', undefined]) {
      const refused = logIn({ privateKeyFile: key.file, ...(passphrase && { passphrase }) });
      await expect(refused).rejects.toMatchObject({ code: 'permission-denied' });
      await expect(refused).rejects.toThrow('passphrase');
      await expect(refused).rejects.not.toThrow('another');
    }
  });

  it.each<readonly [string, readonly string[], boolean]>([
    ['has it in clear', [], false],
    ['has it beside', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], false],
    ['does not have it', ['-t', 'rsa', '-b', '2048', '-m', 'PEM'], true],
  ])(
    'asks for the passphrase once for all connections, also again after a slip, where the key %s',
    async (_, argv, alone) => {
      const key = await makeKey(freshFile(), '-N', 'right', ...argv);
      if (alone) await rm(`${key.file}.pub`);
      await authorize(key.publicLine);
      const { ask, asked } = teller('wrong', 'right', 'never');
      const connector = await connectorFor({ privateKeyFile: key.file, passphrase: ask });
      const connections = await Promise.all([connector.connect(), connector.connect()]);
      connections.push(await connector.connect());
      for (const connection of connections) connection.close();
      expect(asked).toMatchObject([
        { kind: 'passphrase', attempt: 1, keyFile: key.file, destination: connector.label },
        { attempt: 2 },
      ]);
    },
  );

  it('does not ask for the passphrase of a key that the host does not take', async () => {
    const key = await makeKey(freshFile(), '-N', 'right');
    await authorize();
    const { ask, asked } = teller('right');
    await expect(logIn({ privateKeyFile: key.file, passphrase: ask })).rejects.toThrow('refused');
    expect(asked).toEqual([]);
  });

  it('gives up after three wrong passphrases, or when nobody says one', async () => {
    const key = await makeKey(freshFile(), '-N', 'right');
    await authorize(key.publicLine);
    const { ask, asked } = teller('a', 'b', 'c', 'right');
    await expect(logIn({ privateKeyFile: key.file, passphrase: ask })).rejects.toThrow(
      'none of 3 passphrases',
    );
    expect(asked).toHaveLength(3);
    await expect(logIn({ privateKey: key.text, passphrase: teller(undefined).ask })).rejects.toThrow(
      'no passphrase was said',
    );
    const failing = logIn({ privateKey: key.text, passphrase: () => Promise.reject(new Error('no screen')) });
    await expect(failing).rejects.toMatchObject({
      code: 'permission-denied',
      cause: { message: 'no screen' },
    });
  });

  it('says what is wrong with one that cannot be used, before it connects', async () => {
    const { publicLine, file, text } = await makeKey(freshFile());
    const reasons: readonly (readonly [SshAuthentication, string])[] = [
      [{ privateKeyFile: join(folder.path, 'none') }, 'there is no such file'],
      [{ privateKeyFile: folder.path }, 'not the file of a key'],
      [{ privateKeyFile: `${file}.pub` }, 'a public key'],
      [{ privateKey: publicLine }, 'a public key'],
      [{ privateKey: text.slice(0, 150) }, 'damaged'],
      [{ privateKey: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----' }, 'PKCS #8'],
      [[], 'no key, agent or password'],
    ];
    (await sshd.server()).refuseConnections();
    try {
      for (const [auth, reason] of reasons) {
        await expect(logIn(auth)).rejects.toMatchObject({ code: 'permission-denied' });
        await expect(logIn(auth)).rejects.toThrow(reason);
      }
    } finally {
      await (await sshd.server()).acceptConnections();
    }
  });

  it('does not sign with a key whose public key beside it is that of another', async () => {
    const key = await makeKey(freshFile(), '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', 'phrase');
    const other = await makeKey(freshFile());
    await writeFile(`${key.file}.pub`, other.publicLine);
    await authorize(key.publicLine, other.publicLine);
    const passphrase = async (): Promise<string> => 'phrase';
    const refused = logIn({ privateKeyFile: key.file, passphrase });
    await expect(refused).rejects.toThrow('that of another key');
    await logIn({ privateKeyFile: key.file, passphrase: 'phrase' });
  });

  it('does not use a file that others may read', async () => {
    const key = await makeKey(freshFile());
    await authorize(key.publicLine);
    await chmod(key.file, 0o640);
    await expect(logIn({ privateKeyFile: key.file })).rejects.toThrow('mode 0640');
    await chmod(key.file, 0o400);
    await logIn({ privateKeyFile: key.file });
  });

  it('takes the key that the file holds now', async () => {
    const first = await makeKey(freshFile());
    const second = await makeKey(freshFile());
    await authorize(first.publicLine);
    const connector = await connectorFor({ privateKeyFile: first.file });
    (await connector.connect()).close();
    await authorize(second.publicLine);
    await expect(connector.connect()).rejects.toMatchObject({ code: 'permission-denied' });
    await writeFile(first.file, second.text);
    (await connector.connect()).close();
  });
});

describe('logging in with an agent', () => {
  it('tries its keys one after the other, or only those that it is told to', async () => {
    await using agentFolder = await testFolder();
    await using agent = await startAgent(agentFolder.path);
    const [other, right] = [
      await makeKey(freshFile()),
      await makeKey(freshFile(), '-t', 'rsa', '-b', '2048'),
    ];
    await authorize(right.publicLine);
    await expect(logIn({ agent: agent.socket })).rejects.toThrow('holds no key');
    await agent.add(other.file);
    await agent.add(right.file);
    await logIn({ agent: agent.socket });
    await logIn({ agent: agent.socket, onlyKeys: [right.file] });
    await rm(right.file);
    await logIn({ agent: agent.socket, onlyKeys: [`${right.file}.pub`] });
    await expect(logIn({ agent: agent.socket, onlyKeys: [other.file] })).rejects.toThrow('refused');
    await expect(logIn({ agent: agent.socket, onlyKeys: [] })).rejects.toThrow('none of the keys');
  });

  it('says so when there is no agent, and waits for none that keeps silent', async () => {
    await using agentFolder = await testFolder();
    await expect(logIn({ agent: join(agentFolder.path, 'none') })).rejects.toMatchObject({
      code: 'permission-denied',
    });
    const agent = join(agentFolder.path, 'silent');
    const connector = await connectorFor({ agent });
    using clock = stopClock();
    const silent = createServer((client) => client.once('data', () => clock.pass(LOGIN_MS)));
    await new Promise<void>((resolve) => silent.listen(agent, resolve));
    try {
      const waiting = connector.connect();
      await expect(waiting).rejects.toMatchObject({ code: 'timeout' });
      await expect(waiting).rejects.toThrow(`waiting for the agent at ${agent}`);
    } finally {
      await new Promise((resolve) => silent.close(resolve));
    }
  });

  it('leaves an agent that does not sign in time, and its socket', async () => {
    await using agentFolder = await testFolder();
    await using agent = await startAgent(agentFolder.path);
    const key = await makeKey(freshFile());
    await authorize(key.publicLine);
    await agent.add(key.file);
    const socket = join(agentFolder.path, 'front');
    const connector = await connectorFor({ agent: socket });
    using clock = stopClock();
    const open = new Set<Socket>();
    let isAsked = 0;
    // It answers the first question, which keys there are, and no other.
    const front = createServer((client) => {
      isAsked += 1;
      open.add(client);
      client.on('error', () => undefined).once('close', () => open.delete(client));
      if (isAsked === 1) client.pipe(connect(agent.socket)).pipe(client);
      else client.resume().once('data', () => clock.pass(LOGIN_MS));
    });
    await new Promise<void>((resolve) => front.listen(socket, resolve));
    try {
      await expect(connector.connect()).rejects.toMatchObject({ code: 'timeout' });
      await expect.poll(() => open.size).toBe(0);
      expect(isAsked).toBe(2);
    } finally {
      await new Promise((resolve) => front.close(resolve));
    }
  });

  it('goes on to the next way when the agent does not sign', async () => {
    await using agentFolder = await testFolder();
    await using agent = await startAgent(agentFolder.path);
    const [inAgent, inFile] = [await makeKey(freshFile()), await makeKey(freshFile())];
    await authorize(inAgent.publicLine, inFile.publicLine);
    await agent.add(inAgent.file, '-c');
    await logIn([{ agent: agent.socket }, { privateKeyFile: inFile.file }]);
    await expect(logIn({ agent: agent.socket })).rejects.toThrow('not signed for');
  });
});

describe('several ways to log in', () => {
  it('are tried in their order, without those that cannot be used, and all of them are named when none is let in', async () => {
    const [wrong, right] = [await makeKey(freshFile()), await makeKey(freshFile())];
    await authorize(right.publicLine);
    const missing = { privateKeyFile: join(folder.path, 'none') };
    await logIn([missing, { privateKeyFile: wrong.file }, { privateKeyFile: right.file }]);
    const refused = logIn([missing, { privateKeyFile: wrong.file }, { password: 'secret-word' }]);
    await expect(refused).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(refused).rejects.toThrow(/no such file.*refused.*does not take that.*It takes: publickey/);
    await expect(refused).rejects.not.toThrow('secret-word');
  });

  it('try no key twice', async () => {
    const key = await makeKey(freshFile());
    await authorize();
    const refused = logIn([{ privateKeyFile: key.file }, { privateKey: key.text }]);
    await expect(refused).rejects.toThrow('had been tried');
  });

  it('end with what the host says when it has had enough', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => makeKey(freshFile())));
    await authorize();
    const refused = logIn(keys.map(({ text }) => ({ privateKey: text })));
    await expect(refused).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(refused).rejects.toThrow('Too many authentication failures');
  });
});
