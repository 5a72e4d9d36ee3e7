import { HostError } from '../../host-error.ts';
import { createTurns } from '../login/turns.ts';
import {
  judgeHostKey,
  type KnownHostEntry,
  keyFingerprint,
  keyTypeOf,
  knownHostLine,
  knownHostName,
  knownKeyTypes,
  parseKnownHosts,
} from './known-hosts.ts';
import { appendKnownHost, readKnownHosts } from './known-hosts-file.ts';

/**
 * What the host must show to be taken for itself: a key with this fingerprint (`SHA256:…`, as `ssh-keygen -l` prints it),
 * or one that stands in these known_hosts files of the machine that the program runs on.
 */
export type HostKeyTrust = { readonly fingerprint: string } | KnownHostsTrust;

export interface KnownHostsTrust {
  /** One file or several, which are read anew for each connection. */
  readonly knownHosts: string | readonly string[];
  /** The name under which the host stands there, where it is not that of the connection. OpenSSH's `HostKeyAlias`. */
  readonly alias?: string;
  /**
   * Trust on first use: a host of which nothing is known is taken for itself, and its key is added to the first of the files before anything is sent to it.
   * From then on it must show that key. `true` is OpenSSH's `StrictHostKeyChecking accept-new`; a function decides for each such key.
   * Without any file the key holds as long as the host stays open.
   */
  readonly acceptNew?: boolean | AcceptNewHostKey;
  /** Whether names are added as hashes. `false` by default. OpenSSH's `HashKnownHosts`. */
  readonly hashNames?: boolean;
}

/** Whether this key is the host's: `true` adds it, anything else refuses the host. A rejection refuses it too, and is the cause of the error. */
export type AcceptNewHostKey = (shown: NewHostKey) => Promise<boolean>;

export interface NewHostKey {
  /** The host's name as known_hosts has it: with the port in `[host]:port` where that is not 22. */
  readonly host: string;
  readonly keyType: string;
  /** `SHA256:…`, to be compared with what the host's administrator says. */
  readonly fingerprint: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a connection must know of the host's key. */
export interface HostKeyCheck {
  /** The types of key to ask for first; empty when any will do. */
  readonly preferredTypes: readonly string[];
  /** Why the key is refused, `undefined` when it is the host's; `'new'` when somebody may accept it. */
  judge(key: Uint8Array): HostError | undefined | 'new';
}

/** The trust in one host, over all connections to it. */
export interface HostKeyTrustee {
  /** @throws {HostError} `invalid-config` for a fingerprint that is none, `io` when a known_hosts file cannot be read; a missing one is empty. */
  look(): Promise<HostKeyCheck>;
  /** Asks whether a key is to be accepted. Why it is not, `undefined` when it is. */
  decide(key: Uint8Array, signal: AbortSignal): Promise<HostError | undefined>;
  /** Records a key that was accepted, and of which the host has proved that it has it. */
  record(key: Uint8Array, signal: AbortSignal): Promise<HostError | undefined>;
}

export function createHostKeyTrustee(host: string, port: number, trust: HostKeyTrust): HostKeyTrustee {
  return 'fingerprint' in trust
    ? pinnedTrustee(knownHostName(host, port), trust.fingerprint)
    : knownHostsTrustee(knownHostName(trust.alias ?? host, trust.alias === undefined ? port : 22), trust);
}

function pinnedTrustee(name: string, fingerprint: string): HostKeyTrustee {
  const expected = fingerprint.replace(/=$/, '');
  const judge = (key: Uint8Array): HostError | undefined => {
    const shown = keyFingerprint(key);
    return shown === expected ? undefined : changed(name, shown, [expected]);
  };
  return {
    async look() {
      if (/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(fingerprint)) return { preferredTypes: [], judge };
      throw new HostError(
        'invalid-config',
        `${JSON.stringify(fingerprint)} is no fingerprint of a host key: it is SHA256: and 43 characters, as ssh-keygen -l prints it.`,
      );
    },
    decide: async (key) => judge(key),
    record: async () => undefined,
  };
}

function knownHostsTrustee(name: string, trust: KnownHostsTrust): HostKeyTrustee {
  const files = typeof trust.knownHosts === 'string' ? [trust.knownHosts] : trust.knownHosts;
  const accepted: KnownHostEntry[] = [];
  const turns = createTurns();
  const entries = async (): Promise<readonly KnownHostEntry[]> => [
    ...(await readKnownHosts(files)),
    ...accepted,
  ];
  return {
    async look() {
      const known = await entries();
      return {
        preferredTypes: knownKeyTypes(known, name),
        judge: (key) => {
          const refusal = refusalOf(known, { name, key, files });
          const mayAccept = trust.acceptNew !== undefined && trust.acceptNew !== false;
          return refusal?.code === 'host-key-unknown' && mayAccept ? 'new' : refusal;
        },
      };
    },
    async decide(key, signal) {
      const { acceptNew = false } = trust;
      if (acceptNew === true) return undefined;
      const refusal = refusalOf(await entries(), { name, key, files });
      if (refusal === undefined || acceptNew === false) return refusal;
      const shown = { host: name, keyType: keyTypeOf(key), fingerprint: keyFingerprint(key), signal };
      try {
        if ((await acceptNew(shown)) === true) return undefined;
      } catch (cause) {
        return notAccepted(shown, cause);
      }
      return notAccepted(shown, undefined);
    },
    async record(key, signal) {
      using _turn = await turns.take(signal);
      // Somebody else may have been faster, perhaps with another key.
      const refusal = refusalOf(await entries(), { name, key, files });
      if (refusal === undefined || refusal.code !== 'host-key-unknown') return refusal;
      // A name that would mean something else in the file, or end its line, is added as a hash.
      const hashed = (trust.hashNames ?? false) || !/^[A-Za-z0-9._:%[\]-]+$/.test(name);
      const line = knownHostLine(name, key, { hashed });
      const [file] = files;
      if (file !== undefined) await appendKnownHost(file, line);
      accepted.push(...parseKnownHosts(line));
      return undefined;
    },
  };
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
      const line = knownHostLine(name, key, { hashed: false });
      return new HostError(
        'host-key-unknown',
        `Did not connect to ${name}: nothing is known of its key ${fingerprint}. If the host's administrator confirms that fingerprint, pin it (hostKey: { fingerprint }), or add this line to ${files[0] ?? 'a known_hosts file'}:\n${line}`,
      );
    }
  }
}

function notAccepted({ host, fingerprint }: NewHostKey, cause: unknown): HostError {
  return new HostError(
    'host-key-unknown',
    `Did not connect to ${host}: nothing is known of its key ${fingerprint}, and it was not accepted.`,
    { cause },
  );
}

function changed(name: string, shown: string, expected: readonly string[]): HostError {
  return new HostError(
    'host-key-changed',
    `THE KEY OF ${name} HAS CHANGED. It shows ${shown}; expected was ${expected.join(' or ')}. Somebody may be posing as the host, or it was set up anew. Nothing was sent to it. Ask its administrator before you trust the new key.`,
  );
}
