import { access, chmod, mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { makeKey, type TestFolder, testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { findSshd, openSshd } from '../../testing/index.ts';
import { createConnector } from '../connection/connection.ts';
import { openSshHost, type ReadSshConfigOptions, readSshConfig, type SshDestination } from '../index.ts';

let folder: TestFolder;
beforeEach(async () => {
  folder = await testFolder();
});
afterEach(() => folder[Symbol.asyncDispose]());

async function plant(path: string, ...lines: readonly string[]): Promise<string> {
  const file = join(folder.path, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Reads `~/.ssh/config` in a home of its own, and no other file. */
async function read(alias: string, changes: Partial<ReadSshConfigOptions> = {}): Promise<SshDestination> {
  const files = [join(folder.path, '.ssh/config')];
  return await readSshConfig({ alias, home: folder.path, localUser: 'me', files, ...changes });
}

async function readLines(
  lines: readonly string[],
  changes: Partial<ReadSshConfigOptions> = {},
): Promise<SshDestination> {
  await plant('.ssh/config', ...lines);
  return await read('build', changes);
}

describe('a host of ~/.ssh/config', () => {
  it('is itself where nothing is said of it', async () => {
    expect(await read('build')).toEqual({
      host: 'build',
      port: 22,
      user: 'me',
      auth: [],
      hostKey: {
        knownHosts: [
          join(folder.path, '.ssh/known_hosts'),
          join(folder.path, '.ssh/known_hosts2'),
          '/etc/ssh/ssh_known_hosts',
          '/etc/ssh/ssh_known_hosts2',
        ],
      },
    });
  });

  it('is what the first values say, wherever they stand', async () => {
    const destination = await readLines([
      'Host elsewhere',
      '  User nobody',
      'host = build other # a comment',
      '\tHostName="%h.example"',
      '  PORT 2222',
      '  ConnectTimeout 1m5',
      'Host * !build',
      '  User somebody',
      'Host b?ild',
      '  User deploy',
      '  Port 1',
      '  ServerAliveInterval 30',
      '  HostKeyAlias farm',
      '  HashKnownHosts yes',
      '  StrictHostKeyChecking accept-new',
      '  UserKnownHostsFile ~/.ssh/own "/with a space/%r"',
      '  GlobalKnownHostsFile none',
      '  Ciphers aes256-ctr',
      '  RequiredRSASize 3072',
      '  ForwardAgent yes',
    ]);
    expect(destination).toEqual({
      host: 'build.example',
      port: 2222,
      user: 'deploy',
      auth: [],
      connectTimeoutMs: 65_000,
      keepaliveMs: 30_000,
      algorithms: { ciphers: 'aes256-ctr', minRsaBits: 3072 },
      hostKey: {
        knownHosts: [join(folder.path, '.ssh/own'), '/with a space/deploy'],
        alias: 'farm',
        acceptNew: true,
        hashNames: true,
      },
    });
    expect(await read('build', { user: 'root', port: 22 })).toMatchObject({ user: 'root', port: 22 });
  });

  it('gets the keys that are named, those of the agent first', async () => {
    const lines = [
      'IdentityFile ~/.ssh/%r-%n',
      'Host build',
      `  IdentityFile \${KEYS}/one`,
      '  IdentityFile ~/.ssh/%r-%n',
      '  IdentityFile "%d/with a space"',
    ];
    const files = [join(folder.path, '.ssh/me-build'), '/keys/one', join(folder.path, 'with a space')].map(
      (privateKeyFile) => ({ privateKeyFile }),
    );
    const paths = files.map(({ privateKeyFile }) => privateKeyFile);
    const env = { KEYS: '/keys', SSH_AUTH_SOCK: '/agent', OTHER: '/other' };
    const passphrase = async (): Promise<string> => 'x';
    const authOf = async (...more: readonly string[]): Promise<unknown> =>
      (await readLines([...lines, ...more], { env })).auth;
    expect(await authOf()).toEqual([{ agent: '/agent', firstKeys: paths }, ...files]);
    expect(await authOf('IdentitiesOnly yes')).toEqual([{ agent: '/agent', onlyKeys: paths }, ...files]);
    expect(await authOf('IdentityAgent none')).toEqual(files);
    expect(await authOf('IdentityAgent SSH_AUTH_SOCK')).toMatchObject([{ agent: '/agent' }, {}, {}, {}]);
    expect(await authOf('IdentityAgent $OTHER')).toMatchObject([{ agent: '/other' }, {}, {}, {}]);
    expect(await authOf('IdentityAgent ~/agent.%u')).toMatchObject([
      { agent: join(folder.path, 'agent.me') },
      {},
      {},
      {},
    ]);
    expect(await authOf('PubkeyAuthentication no')).toEqual([]);
    const asking = await readLines([...lines, 'IdentityAgent none'], { env, passphrase });
    expect(asking.auth).toEqual(files.map((file) => ({ ...file, passphrase })));
    expect((await readLines(['IdentityFile none'])).auth).toEqual([]);
  });

  it('gets the usual keys that are there where none is named', async () => {
    await plant('.ssh/id_ed25519', 'a key');
    await plant('.ssh/id_dsa', 'an old key');
    expect((await readLines([])).auth).toEqual([{ privateKeyFile: join(folder.path, '.ssh/id_ed25519') }]);
  });

  it('asks whoever there is to ask, as far and in the order that the files allow', async () => {
    const asked = { password: async () => 'x', keyboardInteractive: async () => ['x'] };
    const methods = async (...lines: readonly string[]): Promise<readonly unknown[]> => {
      const { auth } = await readLines(lines, asked);
      return [auth].flat().map((way) => Object.keys(way)[0]);
    };
    expect(await methods()).toEqual(['keyboardInteractive', 'password']);
    expect(await methods('PasswordAuthentication no')).toEqual(['keyboardInteractive']);
    expect(await methods('ChallengeResponseAuthentication no')).toEqual(['password']);
    expect(await methods('PreferredAuthentications password,hostbased,publickey')).toEqual(['password']);
  });

  it('is trusted as the files and the caller say', async () => {
    const acceptNew = async (): Promise<boolean> => true;
    const acceptNewOf = async (...lines: readonly string[]): Promise<unknown> => {
      const { hostKey } = await readLines(lines, { acceptNew });
      return 'acceptNew' in hostKey ? hostKey.acceptNew : undefined;
    };
    expect(await acceptNewOf()).toBe(acceptNew);
    expect(await acceptNewOf('StrictHostKeyChecking ask')).toBe(acceptNew);
    expect(await acceptNewOf('StrictHostKeyChecking yes')).toBeUndefined();
    expect(await acceptNewOf('StrictHostKeyChecking accept-new')).toBe(true);
  });

  it('knows the tokens of OpenSSH', async () => {
    const { auth } = await readLines([
      'HostName build-%h.example',
      'User deploy',
      'Port 2222',
      'HostKeyAlias farm',
      'IdentityFile /%%/%h/%n/%p/%r/%u/%k/%j/%l/%C',
      'Match originalhost build',
      '  ProxyJump none',
    ]);
    const [{ privateKeyFile = '' } = {}] = [auth].flat().filter((way) => 'privateKeyFile' in way);
    expect(privateKeyFile.replace(/[0-9a-f]{40}$/, 'HASH')).toBe(
      `/%/build-build.example/build/2222/deploy/me/farm/none/${hostname()}/HASH`,
    );
  });
});

describe('jump hosts of ~/.ssh/config', () => {
  it('are looked up there themselves, the first with its own jump hosts', async () => {
    const destination = await readLines([
      'Host build',
      '  ProxyJump outer,me2@inner:2200,ssh://third',
      'Host outer',
      '  HostName outer.example',
      '  ProxyJump gate',
      'Host gate',
      '  User keeper',
      'Host inner',
      '  ProxyJump gate',
      '  Port 1',
      'Host third',
      '  HostName ::1',
    ]);
    expect(destination.jump).toMatchObject([
      { host: 'outer.example', user: 'me', port: 22, jump: [{ host: 'gate', user: 'keeper' }] },
      { host: 'inner', user: 'me2', port: 2200 },
      { host: '::1' },
    ]);
    expect([destination.jump].flat()[1]).not.toHaveProperty('jump');
    expect(await read('gate')).not.toHaveProperty('jump');
  });

  it('must not lead through themselves', async () => {
    await expect(readLines(['Host *', '  ProxyJump gate'])).rejects.toMatchObject({ code: 'invalid-config' });
    await expect(read('build')).rejects.toThrow('ProxyJump none');
    await expect(readLines(['Host a', 'ProxyJump build', 'Host build', 'ProxyJump a'])).rejects.toThrow(
      'through itself',
    );
    expect(await readLines(['Host gate', '  ProxyJump none', 'Host *', '  ProxyJump gate'])).toMatchObject({
      jump: [{ host: 'gate' }],
    });
  });

  it('give way to a ProxyCommand that comes first, and the other way round', async () => {
    await expect(readLines(['ProxyCommand nc %h %p', 'ProxyJump gate'])).rejects.toMatchObject({
      code: 'unsupported',
    });
    expect(await readLines(['ProxyCommand none', 'ProxyJump gate'])).not.toHaveProperty('jump');
    const [jump] = [(await readLines(['Host build', 'ProxyJump gate', 'ProxyCommand nc %h %p'])).jump].flat();
    expect(jump).toMatchObject({ host: 'gate' });
  });

  it.each(['a b', 'user@', '-oProxyCommand=x', 'host:99999', 'host:x', 'a,,b', '[::1'])(
    'are refused where they are none: %j',
    async (value) => {
      await expect(readLines(['Host build', `ProxyJump ${value}`])).rejects.toMatchObject({
        code: 'invalid-config',
      });
    },
  );
});

describe('sections and files', () => {
  it.each<readonly [string, boolean]>([
    ['all', true],
    ['host build.example', true],
    ['host build', false],
    ['originalhost build', true],
    ['originalhost *,!b*', false],
    ['!originalhost other', true],
    ['user deploy localuser me', true],
    ['user deploy !localuser me', false],
    ['canonical', false],
    ['final', true],
    ['!final host build.example', true],
    ['user nobody exec "touch /tmp/never"', false],
    ['user nobody tagged x', false],
  ])('Match %s', async (criteria, isMeant) => {
    const { port } = await readLines([
      'HostName build.example',
      'User deploy',
      `Match ${criteria}`,
      '  Port 7',
    ]);
    expect(port).toBe(isMeant ? 7 : 22);
  });

  it('run no command, and say so where one would be run', async () => {
    const marker = join(folder.path, 'it-ran');
    const refused = readLines([`Match originalhost build exec "touch ${marker}"`, '  Port 7']);
    await expect(refused).rejects.toMatchObject({ code: 'unsupported' });
    await expect(refused).rejects.toThrow('line 1: Match exec');
    const lines = [
      'CanonicalDomains example',
      'Match host none exec "false"',
      `LocalCommand touch ${marker}`,
    ];
    await readLines([...lines, 'Host build', 'PermitLocalCommand yes', `LocalCommand touch ${marker}`]);
    await expect(access(marker)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('include others where they stand, in order, and only where they are meant', async () => {
    await plant('.ssh/config.d/20-b', 'User second', 'Host other', 'User third');
    await plant('.ssh/config.d/10-a', 'Host build', 'Port 10');
    await plant('.ssh/config.d/.hidden', 'Port 1', 'User hidden');
    await plant('elsewhere', 'IdentityFile /named');
    const destination = await readLines([
      'Host other',
      '  Include missing/* ~/elsewhere',
      'Host build',
      `  Include config.d/* ${join(folder.path, 'missing')}`,
      '  User last',
      '  Port 99',
    ]);
    expect(destination).toMatchObject({ user: 'second', port: 10, auth: [] });
    await expect(readLines(['Include config'])).rejects.toMatchObject({ code: 'limit-exceeded' });
    await expect(readLines(['Include **/x'])).rejects.toMatchObject({ code: 'invalid-config' });
  });

  it('are those of the caller, or the usual ones, which must not be others’ to change', async () => {
    const one = await plant('one', 'User first');
    const two = await plant('two', 'User second', 'Port 2');
    expect(await read('build', { files: [one, two, '/none'] })).toMatchObject({ user: 'first', port: 2 });
    const usual = await plant('.ssh/config', 'Include extra');
    const extra = await plant('.ssh/extra', 'Port 3');
    const readUsual = (): Promise<SshDestination> => readSshConfig({ alias: 'build', home: folder.path });
    expect(await readUsual()).toMatchObject({ port: 3 });
    await chmod(extra, 0o620);
    await expect(readUsual()).rejects.toMatchObject({ code: 'permission-denied' });
    await chmod(extra, 0o644);
    await chmod(usual, 0o666);
    await expect(readUsual()).rejects.toThrow('chmod go-w');
  });

  it('are refused where they cannot be read', async () => {
    await expect(read('build', { files: [folder.path] })).rejects.toMatchObject({ code: 'io' });
    const long = await plant('long', '#'.repeat(1_100_000));
    await expect(read('build', { files: [long] })).rejects.toMatchObject({ code: 'limit-exceeded' });
  });
});

describe('an option that cannot be kept', () => {
  it.each([
    'ProxyCommand ssh gate -W %h:%p',
    'CertificateFile ~/.ssh/id-cert.pub',
    'PKCS11Provider /usr/lib/x.so',
    'KnownHostsCommand /bin/x',
    'RevokedHostKeys /etc/x',
    'CanonicalizeHostname yes',
    'AddressFamily inet6',
    'BindAddress 10.0.0.1',
    'StrictHostKeyChecking no',
    'StrictHostKeyChecking off',
    'NoSuchOption x',
    'IdentityFile ~somebody/key',
    'Include ~somebody/config',
    'Include %h.config',
    'IdentityFile two\\ words',
    "IdentityFile 'two words'",
    'IdentityFile a#b',
    'IdentityFile a"b c"',
    'UserKnownHostsFile a=b',
  ])('is refused by name: %s', async (line) => {
    const refused = readLines(['', `  ${line}`]);
    await expect(refused).rejects.toMatchObject({ name: 'HostError', code: 'unsupported' });
    await expect(refused).rejects.toThrow(
      new RegExp(`config, line 2: .*${line.split(' ')[0]?.slice(0, 8)}`, 'i'),
    );
  });

  it('is no matter where it says nothing, or in the section of another host', async () => {
    await readLines([
      'ProxyCommand none',
      'CertificateFile none',
      'CanonicalizeHostname no',
      'AddressFamily any',
      'IgnoreUnknown Fancy*,other',
      'FancyOption x',
      'Host other',
      'ProxyCommand nc',
      'NoSuchOption x',
      'StrictHostKeyChecking no',
      'IdentityFile a#b',
    ]);
  });

  it.each([
    'Port 0',
    'Port x',
    'Port 22 23',
    'Port',
    'ConnectTimeout soon',
    'HostName %q',
    `IdentityFile \${NOT_THERE}`,
    'IdentityFile %q',
    'User "open',
    'StrictHostKeyChecking maybe',
    'RequiredRSASize many',
    'Match',
    'Match user',
    'Host',
    '= x',
  ])('is refused where it cannot be understood: %s', async (line) => {
    const refused = readLines([line]);
    await expect(refused).rejects.toMatchObject({ name: 'HostError', code: 'invalid-config' });
  });
});

describe('a host that was read from the files', () => {
  it('is opened, through its jump host', async (context) => {
    context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
    await using jump = await openSshd();
    await using target = await openSshd();
    const key = await makeKey(join(folder.path, 'key'), '-N', 'phrase');
    await writeFile(target.authorizedKeysFile, key.publicLine);
    await plant(
      '.ssh/config',
      'Host 127.0.0.1',
      `  Port ${jump.port}`,
      `  IdentityFile ${jump.privateKeyFile}`,
      'Host build',
      '  HostName 127.0.0.1',
      `  Port ${target.port}`,
      '  HostKeyAlias build',
      `  IdentityFile ${key.file}`,
      `  ProxyJump ${jump.user}@127.0.0.1`,
      'Host *',
      '  StrictHostKeyChecking accept-new',
    );
    const { user } = target;
    const asked: unknown[] = [];
    const passphrase = async (request: unknown): Promise<string> => {
      asked.push(request);
      return 'phrase';
    };
    const destination = await read('build', { user, passphrase, env: {} });
    await using host = await openSshHost({ ...destination, connectTimeoutMs: LOGIN_MS });
    await host.stat(host.home);
    expect(asked).toMatchObject([{ keyFile: key.file, destination: `${user}@127.0.0.1:${target.port}` }]);
    expect(jump.connections).toBe(1);
    await jump.changeHostKey();
    await expect(createConnector(destination).connect()).rejects.toMatchObject({ code: 'host-key-changed' });
  });
});
