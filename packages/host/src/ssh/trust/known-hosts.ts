import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What known_hosts says of a key that a host shows. */
export type KnownHostVerdict =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'unknown' }
  /** Other keys of the same type stand there: the host was set up anew, or somebody is in between. */
  | { readonly kind: 'changed'; readonly expected: readonly string[] }
  | { readonly kind: 'revoked' }
  /** The host is vouched for by an authority only, which is not supported. */
  | { readonly kind: 'authority-only' };

/** One line of a known_hosts file; see sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT". */
export interface KnownHostEntry {
  readonly marker: 'none' | 'cert-authority' | 'revoked';
  readonly hosts: string;
  readonly keyType: string;
  readonly key: Buffer;
}

/** The fingerprint of a key as OpenSSH shows it: `SHA256:…`. */
export function keyFingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The type that a key in the format of the SSH protocol names at its beginning. */
export function keyTypeOf(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length < 4) return '';
  return bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString('latin1');
}

/** Lines that are no entries (comments, damage, unknown markers) are left out, as OpenSSH leaves them out. */
export function parseKnownHosts(text: string): readonly KnownHostEntry[] {
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/[ \t]+/);
    const first = fields[0] ?? '';
    if (first === '' || first.startsWith('#')) return [];
    const marker = markerOf(first);
    if (marker === undefined) return [];
    if (marker !== 'none') fields.shift();
    const [hosts, keyType, base64] = fields;
    if (hosts === undefined || keyType === undefined || base64 === undefined) return [];
    const key = Buffer.from(base64, 'base64');
    return keyTypeOf(key) === keyType ? [{ marker, hosts, keyType, key }] : [];
  });
}

function markerOf(field: string): KnownHostEntry['marker'] | undefined {
  if (field === '@cert-authority') return 'cert-authority';
  if (field === '@revoked') return 'revoked';
  return field.startsWith('@') ? undefined : 'none';
}

/** A line for a key that was found to be a host's. Hashed, it does not tell the host's name to who reads the file. */
export function knownHostLine(
  name: string,
  key: Uint8Array,
  { hashed }: { readonly hashed: boolean },
): string {
  const salt = randomBytes(20);
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  const shown = hashed ? `|1|${salt.toString('base64')}|${hash}` : name;
  return `${shown} ${keyTypeOf(key)} ${Buffer.from(key).toString('base64')}`;
}

/** The name under which OpenSSH files a host. */
export function knownHostName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/** A revocation counts before everything else, whichever line it stands on. */
export function judgeHostKey(
  entries: readonly KnownHostEntry[],
  name: string,
  key: Uint8Array,
): KnownHostVerdict {
  const own = entries.filter(({ hosts }) => matchesHosts(hosts, name));
  const same = own.filter((entry) => entry.key.equals(key));
  if (same.some(({ marker }) => marker === 'revoked')) return { kind: 'revoked' };
  if (same.some(({ marker }) => marker === 'none')) return { kind: 'trusted' };
  const others = own.filter(({ marker }) => marker === 'none');
  if (others.length > 0) {
    return { kind: 'changed', expected: others.map((other) => keyFingerprint(other.key)) };
  }
  if (own.some(({ marker }) => marker === 'cert-authority')) return { kind: 'authority-only' };
  return { kind: 'unknown' };
}

/** The types of the keys that are known of a host: those are asked for, as a host shows only one of its keys. */
export function knownKeyTypes(entries: readonly KnownHostEntry[], name: string): readonly string[] {
  const own = entries.filter(({ marker, hosts }) => marker === 'none' && matchesHosts(hosts, name));
  return [...new Set(own.map(({ keyType }) => keyType))];
}

function matchesHosts(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name);
  const patterns = hosts.split(',');
  const matches = (pattern: string): boolean => matchesPattern(pattern.toLowerCase(), name);
  if (patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1)))) return false;
  return patterns.some((pattern) => !pattern.startsWith('!') && matches(pattern));
}

/** `|1|salt|hash`, where the hash is an HMAC with SHA-1 over the name. */
function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt = '', hash = ''] = hosts.split('|');
  if (version !== '1') return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/**
 * Only `*` and `?` mean anything: the brackets of `[host]:port` are themselves. In time proportional to the product of the lengths, whatever stands in a file:
 * after a mismatch only the last `*` takes one character more.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let resume = 0;
  let from = 0;
  while (at < text.length) {
    const wanted = pattern[from];
    if (wanted === '*') {
      star = from;
      resume = at;
      from += 1;
    } else if (wanted === '?' || wanted === text[at]) {
      from += 1;
      at += 1;
    } else if (star >= 0) {
      resume += 1;
      at = resume;
      from = star + 1;
    } else return false;
  }
  while (pattern[from] === '*') from += 1;
  return from === pattern.length;
}
