import { readFile, stat } from 'node:fs/promises';
// Node finds no `utils` among the names that this CommonJS module exports.
import ssh2, { type ParsedKey } from 'ssh2';
import type { KeyFileLogin, KeyLogin, Secret } from './authentication.ts';
import { UnusableLogin } from './login-way.ts';

/** A private key, perhaps still under its passphrase. */
export interface LoginKey {
  /** Known before the passphrase where the format has it in clear. */
  readonly publicKey: ParsedKey | undefined;
  /** Set once it can sign. */
  readonly unlocked: ParsedKey | undefined;
  readonly encrypted: boolean;
  /** Opens it with a passphrase, whose rightness is what it gives. */
  unlock(passphrase: string): boolean;
}

const MAX_KEY_BYTES = 1024 * 1024;

/** The key of a login, kept from connection to connection as long as the text stays the same. */
export interface KeySource {
  readonly name: string;
  readonly file: string | undefined;
  readonly passphrase: Secret | undefined;
  /** @throws {UnusableLogin} */
  load(): Promise<LoginKey>;
}

export function createKeySource(login: KeyLogin | KeyFileLogin): KeySource {
  let known: { readonly text: string; readonly key: LoginKey } | undefined;
  const keyOf = (text: string, publicText: string | undefined): LoginKey => {
    if (known?.text === text) return known.key;
    const key = loginKey(text, publicText);
    if (!key.encrypted && key.unlocked === undefined)
      throw new UnusableLogin('it is a public key, and no private one');
    known = { text, key };
    return key;
  };
  const { passphrase } = login;
  if ('privateKey' in login) {
    return {
      name: 'the key',
      file: undefined,
      passphrase,
      load: async () => keyOf(login.privateKey, undefined),
    };
  }
  const file = login.privateKeyFile;
  return {
    name: `the key in ${file}`,
    file,
    passphrase,
    async load() {
      const key = keyOf(await readKeyText(file), await readKeyText(`${file}.pub`).catch(() => undefined));
      await refuseOpenFile(file);
      return key;
    },
  };
}

/** The public key in a file, which may be that of a private key, with its public half in clear or beside it. */
export async function readPublicKey(file: string): Promise<ParsedKey> {
  const beside = file.endsWith('.pub') ? undefined : await readKeyText(`${file}.pub`).catch(() => undefined);
  if (beside !== undefined) {
    const key = parsed(beside);
    if (!(key instanceof Error)) return key;
  }
  const { publicKey } = loginKey(await readKeyText(file), undefined);
  if (publicKey === undefined) throw new UnusableLogin(`the public key of ${file} is not known`);
  return publicKey;
}

/** OpenSSH's rule: a key that is this user's own, and that others can get at, is not to be trusted any more. */
async function refuseOpenFile(file: string): Promise<void> {
  const { uid, mode } = await stat(file).catch(rethrowUnusable());
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(4, '0');
    throw new UnusableLogin(
      `others may read or change the file (mode ${shown}), so it is not used: chmod 600 it, and replace the key if they did`,
    );
  }
}

async function readKeyText(file: string): Promise<string> {
  const found = await stat(file).catch(rethrowUnusable());
  if (!found.isFile() || found.size > MAX_KEY_BYTES) throw new UnusableLogin('it is not the file of a key');
  return await readFile(file, 'utf8').catch(rethrowUnusable());
}

function rethrowUnusable(): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    const why = code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code})`;
    throw new UnusableLogin(why, { cause });
  };
}

function loginKey(text: string, publicText: string | undefined): LoginKey {
  const first = parsed(text);
  if (!(first instanceof Error)) {
    const unlocked = first.isPrivateKey() ? first : undefined;
    return { publicKey: first, unlocked, encrypted: false, unlock: () => unlocked !== undefined };
  }
  if (!first.message.includes('no passphrase given')) {
    throw new UnusableLogin(`it is damaged or of a kind that is not supported: ${keyProblem(text, first)}`);
  }
  const clear = clearHalf(text);
  const half = clear instanceof Error && publicText !== undefined ? parsed(publicText) : clear;
  let unlocked: ParsedKey | undefined;
  return {
    publicKey: half instanceof Error ? undefined : half,
    get unlocked() {
      return unlocked;
    },
    encrypted: true,
    unlock(passphrase) {
      const opened = parsed(text, passphrase);
      if (!(opened instanceof Error)) unlocked = opened;
      return unlocked !== undefined;
    },
  };
}

function keyProblem(text: string, problem: Error): string {
  if (/BEGIN (ENCRYPTED )?PRIVATE KEY/.test(text))
    return 'it is in PKCS #8; ssh-keygen -p -f FILE rewrites it in OpenSSH format';
  return problem.message;
}

function parsed(text: string, passphrase?: string): ParsedKey | Error {
  try {
    // Declared as one key; it is a list of one for OpenSSH's format.
    const found: ParsedKey | readonly ParsedKey[] | Error = ssh2.utils.parseKey(text, passphrase);
    if (!isList(found)) return found;
    return found[0] ?? new Error('it holds no key');
  } catch (failure) {
    return failure instanceof Error ? failure : new Error(String(failure));
  }
}

function isList(value: ParsedKey | readonly ParsedKey[] | Error): value is readonly ParsedKey[] {
  return Array.isArray(value);
}

/** The public key that stands in clear in OpenSSH's format: after the magic, cipher, KDF, its options, and the number of keys. See PROTOCOL.key of OpenSSH. */
function clearHalf(text: string): ParsedKey | Error {
  const base64 = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(text)?.[1] ?? '';
  const bytes = Buffer.from(base64, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    if (at + 4 > bytes.length) throw new RangeError('too short');
    const from = at + 4;
    at = from + bytes.readUInt32BE(at);
    return bytes.subarray(from, at);
  };
  try {
    next();
    next();
    next();
    at += 4;
    const blob = next();
    const type = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
    return parsed(`${type} ${blob.toString('base64')}`);
  } catch (failure) {
    return failure instanceof Error ? failure : new Error(String(failure));
  }
}
