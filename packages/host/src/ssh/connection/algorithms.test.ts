import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { makeKey, testFolder } from '../../../test/ssh-keys-for-tests.ts';
import { findSshd, openSshd } from '../../testing/index.ts';
import { algorithmsToOffer, isTooShort, refusalOfUserKey } from './algorithms.ts';
import { createConnector } from './connection.ts';

function blobOf(publicLine: string): Buffer {
  return Buffer.from(publicLine.split(' ')[1] ?? '', 'base64');
}

describe('the algorithms that are offered', () => {
  it('begin with those of the types of key that are known of the host', () => {
    const offered = algorithmsToOffer({}, ['ssh-rsa', 'ecdsa-sha2-nistp256']);
    expect(offered).toEqual({
      serverHostKey: [
        'ecdsa-sha2-nistp256',
        'rsa-sha2-512',
        'rsa-sha2-256',
        'ssh-rsa',
        'ssh-ed25519',
        'ecdsa-sha2-nistp384',
        'ecdsa-sha2-nistp521',
      ],
    });
  });

  it('are fewer where a list says so, and never more', () => {
    const lists = {
      ciphers: '3des-cbc, aes256-*',
      macs: '-hmac-sha1*',
      kex: '+diffie-hellman-group1-sha1',
      hostKeys: 'ssh-ed25519',
    };
    expect(algorithmsToOffer(lists, ['ssh-rsa'])).toMatchObject({
      serverHostKey: ['ssh-ed25519'],
      cipher: ['aes256-gcm@openssh.com', 'aes256-ctr'],
      hmac: [
        'hmac-sha2-256-etm@openssh.com',
        'hmac-sha2-512-etm@openssh.com',
        'hmac-sha2-256',
        'hmac-sha2-512',
      ],
      kex: expect.not.arrayContaining(['diffie-hellman-group1-sha1']),
    });
    expect(() => algorithmsToOffer({ ciphers: '3des-cbc' }, [])).toThrow('3des-cbc');
    expect(() => algorithmsToOffer({ hostKeys: '-*' }, [])).toThrow('"-*"');
  });

  it('judge keys by their type and length', async () => {
    await using folder = await testFolder();
    const rsa = await makeKey(join(folder.path, 'rsa'), '-t', 'rsa', '-b', '2048');
    const odd = await makeKey(join(folder.path, 'odd'), '-t', 'rsa', '-b', '2056');
    const other = await makeKey(join(folder.path, 'other'));
    expect(isTooShort({ minRsaBits: 2048 }, blobOf(rsa.publicLine))).toBe(false);
    expect(isTooShort({ minRsaBits: 2049 }, blobOf(rsa.publicLine))).toBe(true);
    expect(isTooShort({ minRsaBits: 2056 }, blobOf(odd.publicLine))).toBe(false);
    expect(isTooShort({ minRsaBits: 2057 }, blobOf(odd.publicLine))).toBe(true);
    expect(isTooShort({ minRsaBits: 9_999 }, blobOf(other.publicLine))).toBe(false);
    expect(isTooShort({ minRsaBits: 1 }, blobOf(rsa.publicLine).subarray(0, 12))).toBe(true);
    expect(refusalOfUserKey({ userKeys: 'rsa-sha2-256' }, blobOf(rsa.publicLine))).toBeUndefined();
    expect(refusalOfUserKey({ userKeys: 'rsa-sha2-256' }, blobOf(other.publicLine))).toContain('ssh-ed25519');
    expect(refusalOfUserKey({ userKeys: '-ssh-ed*' }, blobOf(other.publicLine))).toContain('ssh-ed25519');
  });

  it('keep a short key from being used on either side', async (context) => {
    context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
    await using folder = await testFolder();
    const short = await makeKey(join(folder.path, 'short'), '-t', 'rsa', '-b', '2048');
    await using server = await openSshd({ config: [`HostKey ${short.file}`] });
    await writeFile(server.authorizedKeysFile, short.publicLine);
    const { host, port, user, fingerprint } = server;
    const auth = { privateKeyFile: short.file };
    const destination = {
      host,
      port,
      user,
      auth,
      hostKey: { fingerprint },
      algorithms: { minRsaBits: 3072 },
      connectTimeoutMs: LOGIN_MS,
    };
    await expect(createConnector(destination).connect()).rejects.toThrow('fewer than 3072 bits');
    const [type, base64] = short.publicLine.split(' ');
    const known = join(folder.path, 'known_hosts');
    await writeFile(known, `[${host}]:${port} ${type} ${base64}\n`);
    const byRsa = createConnector({ ...destination, hostKey: { knownHosts: known } }).connect();
    await expect(byRsa).rejects.toMatchObject({ code: 'unsupported' });
    (await createConnector({ ...destination, algorithms: { minRsaBits: 2048 } }).connect()).close();
  });
});
