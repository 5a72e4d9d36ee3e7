import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { HostError } from '../../host-error.ts';
import { keyTypeOf, matchesPattern } from '../trust/known-hosts.ts';
import type { OfferedAlgorithms } from './offered-algorithms.ts';

/** What ssh2 offers of itself, in its order: here because it cannot be asked, and its lists have to be replaced whole. */
const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
  'ssh-rsa',
];
const CIPHERS: readonly CipherAlgorithm[] = [
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'chacha20-poly1305@openssh.com',
];
const MACS: readonly MacAlgorithm[] = [
  'hmac-sha2-256-etm@openssh.com',
  'hmac-sha2-512-etm@openssh.com',
  'hmac-sha1-etm@openssh.com',
  'hmac-sha2-256',
  'hmac-sha2-512',
  'hmac-sha1',
];
const KEX: readonly KexAlgorithm[] = [
  'curve25519-sha256@libssh.org',
  'curve25519-sha256',
  'ecdh-sha2-nistp256',
  'ecdh-sha2-nistp384',
  'ecdh-sha2-nistp521',
  'diffie-hellman-group-exchange-sha256',
  'diffie-hellman-group14-sha256',
  'diffie-hellman-group15-sha512',
  'diffie-hellman-group16-sha512',
  'diffie-hellman-group17-sha512',
  'diffie-hellman-group18-sha512',
];

/**
 * What to offer a host of which keys of these types are known: those first, as it shows one of its keys only.
 *
 * @throws {HostError} `unsupported` when nothing is left to offer.
 */
export function algorithmsToOffer(lists: OfferedAlgorithms, knownTypes: readonly string[]): Algorithms {
  const hostKeys = allowed(HOST_KEYS, lists.hostKeys);
  const isKnown = (name: ServerHostKeyAlgorithm): boolean => knownTypes.includes(keyTypeFor(name));
  return {
    serverHostKey: [...hostKeys.filter(isKnown), ...hostKeys.filter((name) => !isKnown(name))],
    ...(lists.ciphers === undefined ? {} : { cipher: allowed(CIPHERS, lists.ciphers) }),
    ...(lists.macs === undefined ? {} : { hmac: allowed(MACS, lists.macs) }),
    ...(lists.kex === undefined ? {} : { kex: allowed(KEX, lists.kex) }),
  };
}

/** The signatures of an RSA key. */
const RSA = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'];

/** Why a user's key is not to be used, `undefined` when it may be. */
export function refusalOfUserKey(lists: OfferedAlgorithms, key: Uint8Array): string | undefined {
  const type = keyTypeOf(key);
  const signatures = type === 'ssh-rsa' ? RSA : [type];
  if (!signatures.some((name) => isListed(name, lists.userKeys))) return `its type ${type} may not be used`;
  return isTooShort(lists, key) ? `it has fewer than ${lists.minRsaBits} bits` : undefined;
}

/** Whether this is an RSA key that is too short. */
export function isTooShort({ minRsaBits = 0 }: OfferedAlgorithms, key: Uint8Array): boolean {
  return keyTypeOf(key) === 'ssh-rsa' && rsaBits(key) < minRsaBits;
}

/** The length of the modulus, which follows the type and the exponent; see RFC 4253, 6.6. */
function rsaBits(key: Uint8Array): number {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  let at = 0;
  for (let field = 0; field < 2 && at + 4 <= bytes.length; field += 1) at += 4 + bytes.readUInt32BE(at);
  if (at + 4 > bytes.length) return 0;
  const modulus = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.length - first) * 8 - (Math.clz32(modulus[first] ?? 0) - 24);
}

function keyTypeFor(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

function allowed<T extends string>(offered: readonly T[], list: string | undefined): T[] {
  const left = offered.filter((name) => isListed(name, list));
  // ssh2 takes an empty list for none at all, and would offer everything.
  if (left.length > 0) return left;
  throw new HostError(
    'unsupported',
    `None of the algorithms ${JSON.stringify(list)} can be used; these can: ${offered.join(', ')}.`,
  );
}

function isListed(name: string, list: string | undefined): boolean {
  if (list === undefined || /^[+^]/.test(list)) return true;
  const isExclusion = list.startsWith('-');
  const patterns = list.slice(isExclusion ? 1 : 0).split(',');
  return patterns.some((pattern) => matchesPattern(pattern.trim(), name)) !== isExclusion;
}
