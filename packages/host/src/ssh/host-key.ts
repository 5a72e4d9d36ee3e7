import { readFile } from 'node:fs/promises';
import { HostError } from '../host-error.ts';
import {
  judgeHostKey,
  type KnownHostEntry,
  keyFingerprint,
  keyTypeOf,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';

/**
 * What the host must show to be taken for itself: a key with this fingerprint (`SHA256:…`, as `ssh-keygen -l` prints it),
 * or one that stands in these known_hosts files of the machine that the program runs on.
 */
export type HostKeyTrust =
  | { readonly fingerprint: string }
  | { readonly knownHosts: string | readonly string[] };

export interface HostKeyCheck {
  /** The types of key to ask for first; empty when any will do. */
  readonly preferredTypes: readonly string[];
  /** Why the key is refused, `undefined` when it is the host's. */
  readonly refusal: (key: Uint8Array) => HostError | undefined;
}

/** @throws {HostError} `invalid-command` for a fingerprint that is none, `io` when a known_hosts file cannot be read; a missing one is empty. */
export async function hostKeyCheck(host: string, port: number, trust: HostKeyTrust): Promise<HostKeyCheck> {
  if ('fingerprint' in trust) return pinnedKey(host, port, trust.fingerprint);
  const files = typeof trust.knownHosts === 'string' ? [trust.knownHosts] : trust.knownHosts;
  const entries = (await Promise.all(files.map(readEntries))).flat();
  const name = knownHostName(host, port);
  return {
    preferredTypes: knownKeyTypes(entries, name),
    refusal: (key) => refusalOf(entries, { name, key, files }),
  };
}

function pinnedKey(host: string, port: number, fingerprint: string): HostKeyCheck {
  if (!/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(fingerprint)) {
    throw new HostError(
      'invalid-command',
      `${JSON.stringify(fingerprint)} is no fingerprint of a host key: it is SHA256: and 43 characters, as ssh-keygen -l prints it.`,
    );
  }
  const expected = fingerprint.replace(/=$/, '');
  return {
    preferredTypes: [],
    refusal(key) {
      const shown = keyFingerprint(key);
      if (shown === expected) return undefined;
      return changed(knownHostName(host, port), shown, [expected]);
    },
  };
}

async function readEntries(file: string): Promise<readonly KnownHostEntry[]> {
  try {
    return parseKnownHosts(await readFile(file, 'latin1'));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return [];
    throw new HostError('io', `Could not read the known hosts in ${file}.`, { cause });
  }
}

interface Shown {
  readonly name: string;
  readonly key: Uint8Array;
  readonly files: readonly string[];
}

function refusalOf(entries: readonly KnownHostEntry[], { name, key, files }: Shown): HostError | undefined {
  const verdict = judgeHostKey(entries, name, key);
  const fingerprint = keyFingerprint(key);
  switch (verdict.kind) {
    case 'trusted':
      return undefined;
    case 'changed':
      return changed(name, fingerprint, verdict.expected);
    case 'revoked':
      return new HostError(
        'host-key-changed',
        `DID NOT CONNECT to ${name}: the key that it shows, ${fingerprint}, was revoked. Whoever holds that key can pose as the host.`,
      );
    case 'authority-only':
      return new HostError(
        'unsupported',
        `Did not connect to ${name}: the known hosts vouch for it by @cert-authority only, which is not supported. Pin its key ${fingerprint}, or add the key itself.`,
      );
    case 'unknown': {
      const line = `${name} ${keyTypeOf(key)} ${Buffer.from(key).toString('base64')}`;
      return new HostError(
        'host-key-unknown',
        `Did not connect to ${name}: nothing is known of its key ${fingerprint}. If the host's administrator confirms that fingerprint, pin it (hostKey: { fingerprint }), or add this line to ${files[0] ?? 'a known_hosts file'}:\n${line}`,
      );
    }
  }
}

function changed(name: string, shown: string, expected: readonly string[]): HostError {
  return new HostError(
    'host-key-changed',
    `THE KEY OF ${name} HAS CHANGED. It shows ${shown}; expected was ${expected.join(' or ')}. Somebody may be posing as the host, or it was set up anew. Nothing was sent to it. Ask its administrator before you trust the new key.`,
  );
}
