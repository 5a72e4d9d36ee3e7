import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { makeKey, type TestFolder, testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { openSshd, type TestSshd } from '../../testing/index.ts';
import { type Connector, createConnector } from '../connection/connection.ts';
import { openChannel } from '../connection/open-channel.ts';
import type { SshAuthentication } from '../login/authentication.ts';
import type { HostKeyTrust, NewHostKey } from './host-key.ts';

const sshd = sshdForTests();
let folder: TestFolder;
let knownHosts: string;
beforeEach(async (context) => {
  sshd.skipWhereMissing(context);
  folder = await testFolder();
  knownHosts = join(folder.path, '.ssh', 'known_hosts');
});
afterEach(() => folder[Symbol.asyncDispose]());
afterAll(() => sshd.close());

async function connectorTo(
  hostKey: HostKeyTrust,
  changes: { readonly server?: TestSshd; readonly auth?: SshAuthentication } = {},
): Promise<Connector> {
  const { host, port, user, privateKey } = changes.server ?? (await sshd.server());
  return createConnector({
    host,
    port,
    user,
    auth: changes.auth ?? { privateKey },
    hostKey,
    connectTimeoutMs: LOGIN_MS,
  });
}

async function connectAndClose(connector: Connector): Promise<void> {
  (await connector.connect()).close();
}

async function linesOf(file: string): Promise<readonly string[]> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n');
}

describe('trust on first use', () => {
  it('adds the key of a host that nothing is known of, and holds it to that from then on', async () => {
    await using server = await openSshd();
    const connector = await connectorTo({ knownHosts, acceptNew: true }, { server });
    await connectAndClose(connector);
    expect(await linesOf(knownHosts)).toEqual([`[127.0.0.1]:${server.port} ${server.publicKey}`]);
    await connectAndClose(connector);
    await connectAndClose(await connectorTo({ knownHosts }, { server }));
    expect(await linesOf(knownHosts)).toHaveLength(1);
    await server.changeHostKey();
    await expect(connector.connect()).rejects.toMatchObject({ code: 'host-key-changed' });
    const another = await connectorTo({ knownHosts, acceptNew: true }, { server });
    await expect(another.connect()).rejects.toMatchObject({ code: 'host-key-changed' });
    expect(await linesOf(knownHosts)).toHaveLength(1);
  });

  it('makes the file and its folder for their owner only, and leaves those that are there as they are', async () => {
    await connectAndClose(await connectorTo({ knownHosts, acceptNew: true }));
    expect((await stat(knownHosts)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder.path, '.ssh'))).mode & 0o777).toBe(0o700);
    const existing = join(folder.path, 'existing');
    await writeFile(existing, 'a line without an end', { mode: 0o644 });
    await connectAndClose(await connectorTo({ knownHosts: [existing, knownHosts], acceptNew: true }));
    expect(await linesOf(existing)).toEqual(['a line without an end']);
    await rm(knownHosts);
    await connectAndClose(await connectorTo({ knownHosts: [existing, knownHosts], acceptNew: true }));
    expect(await linesOf(existing)).toEqual([
      'a line without an end',
      expect.stringContaining('ssh-ed25519'),
    ]);
    expect((await stat(existing)).mode & 0o777).toBe(0o644);
  });

  it('adds one line when many connect at once, and damages none where several hosts are added at once', async () => {
    const connector = await connectorTo({ knownHosts, acceptNew: true });
    await Promise.all(Array.from({ length: 4 }, () => connectAndClose(connector)));
    expect(await linesOf(knownHosts)).toHaveLength(1);
    await rm(knownHosts);
    const { host, port, user, privateKey } = await sshd.server();
    const aliases = Array.from({ length: 5 }, (_, at) => `alias-${at}`);
    const connectors = aliases.map((alias) =>
      createConnector({
        host,
        port,
        user,
        auth: { privateKey },
        hostKey: { knownHosts, alias, acceptNew: true },
        connectTimeoutMs: LOGIN_MS,
      }),
    );
    await Promise.all(connectors.map(connectAndClose));
    const { publicKey } = await sshd.server();
    expect([...(await linesOf(knownHosts))].sort()).toEqual(aliases.map((alias) => `${alias} ${publicKey}`));
  });

  it('adds names as hashes where told to, and where they would mean something in the file', async () => {
    await connectAndClose(await connectorTo({ knownHosts, acceptNew: true, hashNames: true }));
    const name = `[127.0.0.1]:${(await sshd.server()).port}`;
    const found = await promisify(execFile)('ssh-keygen', ['-F', name, '-f', knownHosts]);
    expect(found.stdout).toContain((await sshd.server()).publicKey);
    for (const alias of ['*', 'two words', 'x\n* all', '!a,b', '|1|']) {
      const trust = { knownHosts, alias, acceptNew: true };
      await connectAndClose(await connectorTo(trust));
      await connectAndClose(await connectorTo({ knownHosts, alias }));
    }
    const lines = await linesOf(knownHosts);
    expect(lines).toHaveLength(6);
    expect(lines.every((line) => /^\|1\|[^ ]+ ssh-ed25519 [^ ]+$/.test(line))).toBe(true);
    await expect((await connectorTo({ knownHosts, alias: 'other' })).connect()).rejects.toMatchObject({
      code: 'host-key-unknown',
    });
  });

  it('lets somebody decide, who sees the fingerprint', async () => {
    const { fingerprint, port } = await sshd.server();
    const shown: NewHostKey[] = [];
    const deciding = (answer: boolean): HostKeyTrust => ({
      knownHosts,
      async acceptNew(key) {
        shown.push(key);
        return answer;
      },
    });
    const refused = (await connectorTo(deciding(false))).connect();
    await expect(refused).rejects.toMatchObject({ code: 'host-key-unknown' });
    await expect(refused).rejects.toThrow(fingerprint);
    await expect(readFile(knownHosts)).rejects.toMatchObject({ code: 'ENOENT' });
    await connectAndClose(await connectorTo(deciding(true)));
    await connectAndClose(await connectorTo(deciding(false)));
    expect(shown).toHaveLength(2);
    expect(shown[1]).toMatchObject({ host: `[127.0.0.1]:${port}`, keyType: 'ssh-ed25519', fingerprint });
    const failing = await connectorTo({
      knownHosts: [],
      acceptNew: () => Promise.reject(new Error('no screen')),
    });
    await expect(failing.connect()).rejects.toMatchObject({
      code: 'host-key-unknown',
      cause: { message: 'no screen' },
    });
  });

  it('holds the key as long as the host is open where there is no file', async () => {
    await using server = await openSshd();
    const connector = await connectorTo({ knownHosts: [], acceptNew: true }, { server });
    await connectAndClose(connector);
    await connectAndClose(connector);
    await server.changeHostKey();
    await expect(connector.connect()).rejects.toMatchObject({ code: 'host-key-changed' });
  });

  it('sends nothing to a host whose key could not be recorded', async () => {
    await mkdir(knownHosts, { recursive: true });
    let asked = 0;
    const password = async (): Promise<string> => {
      asked += 1;
      return 'x';
    };
    const connector = await connectorTo({ knownHosts, acceptNew: true }, { auth: { password } });
    await expect(connector.connect()).rejects.toMatchObject({ code: 'io' });
    await rm(knownHosts, { recursive: true });
    await writeFile(join(folder.path, '.ssh', 'in-the-way'), '');
    const below = join(folder.path, '.ssh', 'in-the-way', 'known_hosts');
    await expect(
      (await connectorTo({ knownHosts: below, acceptNew: true }, { auth: { password } })).connect(),
    ).rejects.toMatchObject({ code: 'io' });
    expect(asked).toBe(0);
  });

  it('accepts no key that was revoked, nor one that an authority has to vouch for', async () => {
    const { publicKey } = await sshd.server();
    await mkdir(join(folder.path, '.ssh'));
    await writeFile(knownHosts, `@revoked * ${publicKey}\n`);
    const connector = await connectorTo({ knownHosts, acceptNew: true });
    await expect(connector.connect()).rejects.toMatchObject({ code: 'host-key-changed' });
    await writeFile(knownHosts, `@cert-authority * ${publicKey}\n`);
    await expect(connector.connect()).rejects.toMatchObject({ code: 'unsupported' });
  });
});

describe('the key of a host', () => {
  it('is looked for under an alias where there is one', async () => {
    const { publicKey } = await sshd.server();
    await mkdir(join(folder.path, '.ssh'));
    await writeFile(knownHosts, `build ${publicKey}\n`);
    await connectAndClose(await connectorTo({ knownHosts, alias: 'Build' }));
    await expect((await connectorTo({ knownHosts })).connect()).rejects.toMatchObject({
      code: 'host-key-unknown',
    });
  });

  it('is read anew for each connection', async () => {
    await using server = await openSshd();
    await mkdir(join(folder.path, '.ssh'));
    const connector = await connectorTo({ knownHosts }, { server });
    const know = (): Promise<void> =>
      writeFile(knownHosts, `[127.0.0.1]:${server.port} ${server.publicKey}\n`);
    await expect(connector.connect()).rejects.toMatchObject({ code: 'host-key-unknown' });
    await know();
    await connectAndClose(connector);
    await server.changeHostKey();
    await expect(connector.connect()).rejects.toMatchObject({ code: 'host-key-changed' });
    await know();
    await connectAndClose(connector);
  });

  it('is shown again when keys are exchanged anew, in the midst of much data', async () => {
    await using server = await openSshd({ config: ['RekeyLimit 1M'] });
    const connection = await (await connectorTo({ knownHosts, acceptNew: true }, { server })).connect();
    let exchanges = 0;
    connection.client.on('handshake', () => {
      exchanges += 1;
    });
    const channel = await openChannel(connection, (callback) =>
      connection.client.exec('head -c 10000000 /dev/zero', callback),
    );
    let bytes = 0;
    for await (const chunk of channel) bytes += Buffer.byteLength(chunk);
    expect(bytes).toBe(10_000_000);
    expect(exchanges).toBeGreaterThan(3);
    connection.close();
  });

  it('is asked for in the type that is known, where the host has several', async () => {
    await using withRsa = await testFolder();
    const rsa = await makeKey(join(withRsa.path, 'rsa'), '-t', 'rsa', '-b', '2048');
    await using server = await openSshd({ config: [`HostKey ${rsa.file}`] });
    await mkdir(join(folder.path, '.ssh'));
    const [type, base64] = rsa.publicLine.split(' ');
    await writeFile(knownHosts, `[127.0.0.1]:${server.port} ${type} ${base64}\n`);
    await connectAndClose(await connectorTo({ knownHosts }, { server }));
    await connectAndClose(await connectorTo({ fingerprint: server.fingerprint }, { server }));
  });
});
