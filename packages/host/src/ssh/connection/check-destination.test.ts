import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { openSshHost, readSshConfig, type SshHostOptions } from '../index.ts';

const right = {
  host: '127.0.0.1',
  port: 9,
  user: 'me',
  auth: { password: 'secret' },
  hostKey: { fingerprint: `SHA256:${'A'.repeat(43)}` },
};

/** A program without types can pass anything. */
async function refusalOf(changes: object): Promise<{ readonly code: unknown; readonly message: string }> {
  return await openSshHost({ ...right, ...changes } as SshHostOptions).then(
    () => ({ code: 'none', message: '' }),
    ({ code, message }) => ({ code, message }),
  );
}

describe('where an SSH host is', () => {
  it.each<readonly [string, object, string]>([
    ['no host', { host: undefined }, 'host has to be a name or an address; it is undefined.'],
    ['no user', { user: '' }, 'user has to be the name of the user that logs in; it is an empty text.'],
    ['no auth', { auth: undefined }, 'auth has to be { agent }, { privateKey }'],
    ['an auth that is none', { auth: { privatekey: 'x' } }, 'auth has to be { agent }, { privateKey }'],
    ['an agent without a socket', { auth: { agent: undefined } }, 'auth.agent has to be the path of'],
    ['a key as bytes', { auth: { privateKey: Buffer.from('x') } }, 'auth.privateKey has to be the text'],
    ['a password that is none', { auth: [{ password: 3 }] }, 'auth.password has to be a text, or a function'],
    ['answers that are none', { auth: { keyboardInteractive: 'x' } }, 'auth.keyboardInteractive has to be'],
    [
      'a list of keys that is none',
      { auth: { agent: '/a', onlyKeys: '/b' } },
      'auth.onlyKeys has to be a list',
    ],
    ['no host key', { hostKey: undefined }, 'hostKey has to be { fingerprint'],
    ['a host key that is none', { hostKey: { knownhosts: '/x' } }, 'hostKey has to be { fingerprint'],
    ['no known hosts', { hostKey: { knownHosts: undefined } }, 'hostKey.knownHosts has to be the path'],
    ['a jump host that is none', { jump: 'gate' }, 'destination of the jump host has to be { host, user'],
    [
      'a jump host without a key',
      { jump: { ...right, host: 'gate', hostKey: null } },
      'hostKey of the jump host gate has',
    ],
    ['a port that is none', { port: 70_000 }, 'port has to be a port, from 1 to 65,535; it is 70000.'],
    [
      'keepaliveMs NaN',
      { keepaliveMs: Number.NaN },
      'keepaliveMs has to be a number of milliseconds from 1; it is NaN.',
    ],
    ['connectTimeoutMs -1', { connectTimeoutMs: -1 }, 'connectTimeoutMs has to be a number'],
    ['maxConnections 0', { maxConnections: 0 }, 'maxConnections has to be a whole number from 1; it is 0.'],
    ['waitMs NaN', { waitMs: Number.NaN }, 'waitMs has to be'],
    ['a text for a time', { idleMs: '5' }, 'idleMs has to be a number of milliseconds from 0; it is a text.'],
    ['reconnectForMs -1', { reconnectForMs: -1 }, 'reconnectForMs has to be'],
    ['operationTimeoutMs 0', { operationTimeoutMs: 0 }, 'operationTimeoutMs has to be'],
  ])('is refused with %s', async (_, changes, message) => {
    const refusal = await refusalOf(changes);
    expect(refusal.code).toBe('invalid-config');
    expect(refusal.message).toContain(message);
    expect(refusal.message).not.toContain('secret');
  });

  it.each<readonly [string, object]>([
    ['hostKey.knownHosts', { hostKey: { knownHosts: '~/.ssh/known_hosts', acceptNew: true } }],
    ['hostKey.knownHosts', { hostKey: { knownHosts: ['/dev/null', '~me/known_hosts'] } }],
    ['auth.privateKeyFile', { auth: { privateKeyFile: '~/.ssh/id_ed25519' } }],
    ['auth.agent', { auth: { agent: '~/agent' } }],
    ['auth.onlyKeys', { auth: { agent: '/agent', onlyKeys: ['~'] } }],
    ['auth.firstKeys', { auth: { agent: '/agent', firstKeys: ['~/x'] } }],
  ])('is refused with a file below "~" as %s, before there is one of that name', async (option, changes) => {
    const refusal = await refusalOf(changes);
    expect(refusal.code).toBe('invalid-config');
    expect(refusal.message).toContain(`${option} cannot be "~`);
    expect(refusal.message).toContain('os.homedir()');
    expect(await readdir('.')).not.toContain('~');
  });

  it('is not read from files below "~", nor for a home there', async () => {
    const refused = { code: 'invalid-config', message: expect.stringContaining('cannot be "~') };
    await expect(readSshConfig({ alias: 'a', files: ['~/.ssh/config'] })).rejects.toMatchObject(refused);
    await expect(readSshConfig({ alias: 'a', home: '~' })).rejects.toMatchObject(refused);
  });
});
