import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { makeKey, startAgent, testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { stopClock } from '../../../test/stopped-clock.ts';
import { HostError } from '../../host-error.ts';
import { openSshd, type TestSshd } from '../../testing/index.ts';
import { type Connector, createConnector } from '../connection/connection.ts';
import type { LoginQuestions, SecretRequest, SshAuthentication } from './authentication.ts';

const PASSWORD = 'the right one';
const sshd = sshdForTests({ password: PASSWORD });
let canCheckPasswords = true;

beforeAll(async () => {
  await sshd.server().catch((failure) => {
    canCheckPasswords = !(failure instanceof HostError && failure.code === 'unsupported');
  });
});
beforeEach((context) => {
  sshd.skipWhereMissing(context);
  skipWithoutPasswords(context);
});
afterAll(async () => {
  if (canCheckPasswords) await sshd.close();
});

function skipWithoutPasswords(context: TestContext): void {
  context.skip(!canCheckPasswords && process.env['CI'] === undefined, 'sshd can check no password here');
}

function connectorTo(server: TestSshd, auth: SshAuthentication): Connector {
  const { host, port, user, fingerprint } = server;
  return createConnector({ host, port, user, auth, hostKey: { fingerprint }, connectTimeoutMs: LOGIN_MS });
}

async function connectAndClose(connector: Connector): Promise<void> {
  (await connector.connect()).close();
}

/** Says these one after the other, for what is asked, and keeps it. */
function teller(...secrets: readonly (string | undefined)[]): {
  asked: SecretRequest[];
  ask(request: SecretRequest): Promise<string | undefined>;
} {
  const asked: SecretRequest[] = [];
  return {
    asked,
    async ask(request) {
      asked.push(request);
      return secrets[asked.length - 1];
    },
  };
}

describe('a password', () => {
  it('is asked for once for all connections, also when several begin at once', async () => {
    const { ask, asked } = teller(PASSWORD, 'never');
    const connector = connectorTo(await sshd.server(), { password: ask });
    await Promise.all([connectAndClose(connector), connectAndClose(connector), connectAndClose(connector)]);
    await connectAndClose(connector);
    expect(asked).toMatchObject([{ kind: 'password', destination: connector.label, attempt: 1 }]);
  });

  it('that was refused is asked for anew by the next connection, and not before', async () => {
    const { ask, asked } = teller('wrong', undefined, PASSWORD);
    const connector = connectorTo(await sshd.server(), { password: ask });
    const refused = connector.connect();
    await expect(refused).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(refused).rejects.not.toThrow('wrong');
    expect(asked).toHaveLength(1);
    await expect(connector.connect()).rejects.toThrow('nobody said one');
    await connectAndClose(connector);
    expect(asked).toHaveLength(3);
  });

  it('that is a text and was refused is never sent again', async () => {
    const server = await sshd.server();
    const connector = connectorTo(server, { password: 'wrong' });
    await expect(connector.connect()).rejects.toThrow('refused');
    server.refuseConnections();
    try {
      await expect(connector.connect()).rejects.toThrow('not sent again');
    } finally {
      await server.acceptConnections();
    }
  });

  it('that was let in and is refused later is asked for anew at once', async () => {
    await using before = await openSshd({ password: PASSWORD });
    const { ask, asked } = teller(PASSWORD, 'changed');
    const connector = connectorTo(before, { password: ask });
    await connectAndClose(connector);
    await before.setPassword('changed');
    await connectAndClose(connector);
    await connectAndClose(connector);
    expect(asked).toHaveLength(2);
  });

  it('is not asked for by a host that takes none', async () => {
    await using server = await openSshd();
    const { ask, asked } = teller('x');
    await expect(connectorTo(server, { password: ask }).connect()).rejects.toThrow('does not take that');
    expect(asked).toEqual([]);
  });

  it('stops the time of the connecting while somebody looks for it', async () => {
    const { host, port, user, fingerprint } = await sshd.server();
    using clock = stopClock();
    const password = async (): Promise<string> => {
      clock.pass(3_600_000);
      return PASSWORD;
    };
    const connector = createConnector({
      host,
      port,
      user,
      auth: { password },
      hostKey: { fingerprint },
      connectTimeoutMs: LOGIN_MS,
    });
    await connectAndClose(connector);
  });

  it('is not waited for when the caller has lost interest, and whoever is asked hears of it', async () => {
    const asked = Promise.withResolvers<SecretRequest>();
    const never = new Promise<string>(() => undefined);
    const connector = connectorTo(await sshd.server(), {
      password(request) {
        asked.resolve(request);
        return never;
      },
    });
    const stop = new AbortController();
    const connecting = connector.connect(stop.signal);
    const { signal } = await asked.promise;
    stop.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'aborted' });
    expect(signal.aborted).toBe(true);
    await expect.poll(async () => (await sshd.server()).connections).toBe(0);
  });
});

describe('answers to questions', () => {
  it('log in, and are given again to the same questions on further connections', async () => {
    const asked: LoginQuestions[] = [];
    const connector = connectorTo(await sshd.server(), {
      keyboardInteractive: async (questions) => {
        asked.push(questions);
        return [PASSWORD];
      },
    });
    await connectAndClose(connector);
    await Promise.all([connectAndClose(connector), connectAndClose(connector)]);
    expect(asked).toMatchObject([
      { destination: connector.label, prompts: [{ text: expect.stringContaining('Password'), echo: false }] },
    ]);
  });

  it('are asked for each time where they are not to be remembered', async () => {
    let times = 0;
    const connector = connectorTo(await sshd.server(), {
      remember: false,
      keyboardInteractive: async () => {
        times += 1;
        return [PASSWORD];
      },
    });
    await connectAndClose(connector);
    await connectAndClose(connector);
    expect(times).toBe(2);
  });

  it('that were let in and are refused later are asked for anew at once', async () => {
    await using server = await openSshd({ password: PASSWORD });
    const answers = [PASSWORD, 'changed'];
    const connector = connectorTo(server, { keyboardInteractive: async () => [answers.shift() ?? 'none'] });
    await connectAndClose(connector);
    await server.setPassword('changed');
    await connectAndClose(connector);
    expect(answers).toEqual([]);
  });

  it.each<readonly [string, readonly string[] | undefined]>([
    ['refused', ['wrong']],
    ['nobody answered', undefined],
    ['2 answers were given to its 1 questions', ['a', 'b']],
  ])('do not log in: %s', async (reason, answers) => {
    const connector = connectorTo(await sshd.server(), { keyboardInteractive: async () => answers });
    const refused = connector.connect();
    await expect(refused).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(refused).rejects.toThrow(reason);
  });
});

describe('a host that wants more than one proof', () => {
  it.each<readonly [string, 'agent' | 'file' | 'locked']>([
    ['a key and a password', 'file'],
    ['a key under a passphrase and a password', 'locked'],
    ['a key of an agent and a password', 'agent'],
  ])('gets %s, in whichever order they are named', async (_, kind) => {
    await using folder = await testFolder();
    await using agent = await startAgent(folder.path);
    await using server = await openSshd({
      password: PASSWORD,
      config: ['AuthenticationMethods publickey,password'],
    });
    const passphrase = kind === 'locked' ? ['-N', 'phrase'] : [];
    const key = await makeKey(join(folder.path, 'key'), ...passphrase);
    const other = await makeKey(join(folder.path, 'other'));
    await writeFile(server.authorizedKeysFile, key.publicLine);
    if (kind === 'agent') {
      await agent.add(other.file);
      await agent.add(key.file);
    }
    const withKey = {
      agent: { agent: agent.socket },
      file: { privateKeyFile: key.file },
      locked: { privateKeyFile: key.file, passphrase: async () => 'phrase' },
    }[kind];
    await connectAndClose(connectorTo(server, [withKey, { password: PASSWORD }]));
    await connectAndClose(connectorTo(server, [{ password: async () => PASSWORD }, withKey]));
    await expect(connectorTo(server, withKey).connect()).rejects.toThrow(/wants more.*takes: password/);
    await expect(connectorTo(server, [withKey, { password: 'wrong' }]).connect()).rejects.toThrow('refused');
  });

  it('gets two keys', async () => {
    await using folder = await testFolder();
    await using agent = await startAgent(folder.path);
    await using server = await openSshd({ config: ['AuthenticationMethods publickey,publickey'] });
    const keys = [await makeKey(join(folder.path, 'one')), await makeKey(join(folder.path, 'two'))];
    await writeFile(server.authorizedKeysFile, keys.map(({ publicLine }) => publicLine).join(''));
    for (const { file } of keys) await agent.add(file);
    await connectAndClose(
      connectorTo(
        server,
        keys.map(({ text }) => ({ privateKey: text })),
      ),
    );
    await connectAndClose(connectorTo(server, { agent: agent.socket }));
    await expect(connectorTo(server, { privateKey: keys[0]?.text ?? '' }).connect()).rejects.toThrow(
      'wants more',
    );
  });
});
