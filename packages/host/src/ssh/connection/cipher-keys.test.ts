import { KeyObject } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { LOGIN_MS } from '../../../test/login-time.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import { openSshd } from '../../testing/index.ts';
import { type Connection, createConnector } from './connection.ts';

beforeEach((context) => sshdForTests().skipWhereMissing(context));

/** What ssh2 keeps for one direction: how many keys that are ready, and the names of those that are bytes. */
function keysOf({ client }: Connection, direction: '_cipher' | '_decipher') {
  const members = Object.entries(Reflect.get(Reflect.get(client, '_protocol'), direction));
  return {
    ready: members.filter(([, value]) => value instanceof KeyObject).length,
    bytes: members.filter(([name, value]) => /key/i.test(name) && value instanceof Uint8Array),
  };
}

describe.each([
  ['aes128-gcm@openssh.com', 1],
  ['aes256-ctr', 1],
  ['chacha20-poly1305@openssh.com', 2],
])('the keys of a connection with %s', (cipher, ready) => {
  it('are made ready after each exchange, so that no packet has to', async () => {
    await using server = await openSshd({ config: [`Ciphers ${cipher}`, 'RekeyLimit 1M'] });
    const { host, port, user, privateKey, fingerprint } = server;
    const connector = createConnector({
      host,
      port,
      user,
      auth: { privateKey },
      hostKey: { fingerprint },
      connectTimeoutMs: LOGIN_MS,
    });
    const connection = await connector.connect();
    try {
      const exchanged = new Promise((resolve) => connection.client.once('handshake', resolve));
      for (const direction of ['_cipher', '_decipher'] as const) {
        expect(keysOf(connection, direction)).toEqual({ ready, bytes: [] });
      }
      connection.client.exec('head -c 3000000 /dev/zero', (_, channel) => void channel.resume());
      await exchanged;
      for (const direction of ['_cipher', '_decipher'] as const) {
        expect(keysOf(connection, direction)).toEqual({ ready, bytes: [] });
      }
    } finally {
      connection.close();
    }
  });
});
