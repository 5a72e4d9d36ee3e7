import { createHash, generateKeyPairSync } from 'node:crypto';
import ssh2 from 'ssh2';

export interface HostKey {
  readonly private: string;
  readonly fingerprint: string;
}

/** For a server of ssh2. Its own `generateKeyPairSync` makes an Ed25519 key that it cannot read itself, once in some 300. */
export function createHostKey(): HostKey {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  const digest = createHash('sha256').update(parsed.getPublicSSH()).digest('base64');
  return { private: privateKey, fingerprint: `SHA256:${digest.replace(/=+$/, '')}` };
}
