import type { Algorithms, CipherAlgorithm, KexAlgorithm, MacAlgorithm, ServerHostKeyAlgorithm } from 'ssh2';
import { HostError } from '../host-error.ts';
import { matchesPattern } from './known-hosts.ts';

/**
 * Lists as in ssh_config(5), of names with commas in between: only these, or with a `-` at the beginning all but these (`*` and `?` as usual).
 * They take away and never add: a list that begins with `+` or `^` changes nothing, and a name that is not offered anyway is left out.
 */
export interface OfferedAlgorithms {
  readonly ciphers?: string;
  readonly macs?: string;
  readonly kex?: string;
  readonly hostKeys?: string;
}

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

function keyTypeFor(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;
}

function allowed<T extends string>(offered: readonly T[], list: string | undefined): T[] {
  if (list === undefined || /^[+^]/.test(list)) return [...offered];
  const isExclusion = list.startsWith('-');
  const patterns = list.slice(isExclusion ? 1 : 0).split(',');
  const left = offered.filter(
    (name) => patterns.some((pattern) => matchesPattern(pattern.trim(), name)) !== isExclusion,
  );
  // ssh2 takes an empty list for none at all, and would offer everything.
  if (left.length > 0) return left;
  throw new HostError(
    'unsupported',
    `None of the algorithms ${JSON.stringify(list)} can be used; these can: ${offered.join(', ')}.`,
  );
}
