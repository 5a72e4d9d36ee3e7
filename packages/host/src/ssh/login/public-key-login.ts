import type { AgentAuthMethod, AnyAuthMethod, NoAuthMethod, ParsedKey } from 'ssh2';
import { keyFingerprint } from '../trust/known-hosts.ts';
import { type AgentKey, listAgentKeys, OneKeyAgent, type SignWithKey } from './agent-keys.ts';
import type { AgentLogin, AskSecret, KeyFileLogin, KeyLogin } from './authentication.ts';
import { askSecret, type HostAnswer, type LoginTalk, type LoginWay, UnusableLogin } from './login-way.ts';
import { createKeySource, type KeySource, type LoginKey, readPublicKey } from './private-key.ts';
import { createTurns, type Turns } from './turns.ts';

const MAX_PASSPHRASES = 3;
const NOT_ENOUGH = 'accepted, but the host wants more';

export function agentWay({ agent, onlyKeys, firstKeys = [] }: AgentLogin): LoginWay {
  const name = `the agent at ${agent}`;
  return {
    method: 'publickey',
    name,
    asksFirst: false,
    async prepare(attempt) {
      const keys = await listAgentKeys(agent, attempt.signal);
      if (keys.length === 0) throw new UnusableLogin(`it holds no key that can be used; ssh-add adds one`);
      const wanted =
        onlyKeys === undefined ? [...(await chosen(keys, firstKeys)), ...keys] : await chosen(keys, onlyKeys);
      if (wanted.length === 0) throw new UnusableLogin('it holds none of the keys that may be used');
      return (talk) => tryAgentKeys(talk, wanted);
    },
  };
}

async function chosen(keys: readonly AgentKey[], files: readonly string[]): Promise<readonly AgentKey[]> {
  const found = await Promise.all(files.map((file) => readPublicKey(file).catch(() => undefined)));
  const wanted = found.flatMap((key) => (key === undefined ? [] : [key.getPublicSSH()]));
  // In the order of the files.
  return wanted.flatMap((blob) => keys.filter(({ key }) => key.getPublicSSH().equals(blob)).slice(0, 1));
}

async function* tryAgentKeys(
  talk: LoginTalk,
  keys: readonly AgentKey[],
): AsyncGenerator<AnyAuthMethod, string, HostAnswer> {
  const outcomes: string[] = [];
  for (const { key, signFor } of keys) {
    if (talk.methods?.includes('publickey') === false) break;
    if (!isNew(talk, key) || talk.refusalOf(key.getPublicSSH()) !== undefined) continue;
    const trial = throughAgent(talk.user, key, signFor(talk.signal));
    yield trial.method;
    if (trial.signed()) {
      outcomes.push(`${nameOf(key)} ${NOT_ENOUGH}`);
      // ssh2 does not say what the host answered to the key of an agent, so it is asked.
      talk.methods = (yield noMethod(talk.user)).methods;
    } else outcomes.push(`${nameOf(key)} ${trial.failure() === undefined ? 'refused' : 'not signed for'}`);
  }
  return outcomes.length === 0 ? 'its keys had been tried or may not be used' : outcomes.join(', ');
}

export function keyWay(login: KeyLogin | KeyFileLogin): LoginWay {
  const source = createKeySource(login);
  const turns = createTurns();
  return {
    method: 'publickey',
    name: source.name,
    asksFirst: false,
    async prepare() {
      const key = await source.load();
      if (key.unlocked === undefined) {
        if (source.passphrase === undefined)
          throw new UnusableLogin('it is encrypted, and there is no passphrase');
        if (typeof source.passphrase === 'string' && !key.unlock(source.passphrase)) {
          throw new UnusableLogin('its passphrase does not open it');
        }
      }
      return (talk) => tryKey(talk, { key, unlock: () => unlockByAsking(talk, { source, key, turns }) });
    },
  };
}

interface Unlocking {
  readonly source: KeySource;
  readonly key: LoginKey;
  readonly turns: Turns;
}

/** Asks one at a time, so that nobody is asked twice for what they have just said. */
async function unlockByAsking(talk: LoginTalk, { source, key, turns }: Unlocking): Promise<ParsedKey> {
  using _turn = await turns.take(talk.signal);
  const ask = source.passphrase;
  if (typeof ask === 'function') await askForPassphrase(talk, { ask, source, key });
  if (key.unlocked === undefined) throw new UnusableLogin('no passphrase was said');
  return key.unlocked;
}

async function askForPassphrase(
  talk: LoginTalk,
  { ask, source, key }: Omit<Unlocking, 'turns'> & { readonly ask: AskSecret },
): Promise<void> {
  const keyFile = source.file === undefined ? {} : { keyFile: source.file };
  for (let attempt = 1; key.unlocked === undefined; attempt += 1) {
    if (attempt > MAX_PASSPHRASES) throw new UnusableLogin(`none of ${MAX_PASSPHRASES} passphrases opens it`);
    const passphrase = await askSecret(talk, ask, { kind: 'passphrase', ...keyFile, attempt });
    if (passphrase === undefined) return;
    key.unlock(passphrase);
  }
}

async function* tryKey(
  talk: LoginTalk,
  { key, unlock }: { readonly key: LoginKey; readonly unlock: () => Promise<ParsedKey> },
): AsyncGenerator<AnyAuthMethod, string, HostAnswer> {
  const { publicKey } = key;
  if (publicKey !== undefined && !isNew(talk, publicKey)) return 'had been tried';
  const known = publicKey ?? (await unlock());
  const reason = talk.refusalOf(known.getPublicSSH());
  if (reason !== undefined) return reason;
  if (key.unlocked !== undefined || publicKey === undefined) {
    const { methods, partial } = yield { type: 'publickey', username: talk.user, key: await unlock() };
    talk.methods = methods;
    return `${key.unlocked === undefined ? '' : `${nameOf(key.unlocked)} `}${partial ? NOT_ENOUGH : 'refused'}`;
  }
  const trial = throughAgent(talk.user, publicKey, async (data, { hash }) => {
    const privateKey = await unlock();
    if (!privateKey.getPublicSSH().equals(publicKey.getPublicSSH())) {
      throw new UnusableLogin('the public key beside it is that of another key');
    }
    const signature: Buffer | Error = privateKey.sign(data, hash);
    if (signature instanceof Error) throw signature;
    return signature;
  });
  yield trial.method;
  const failure = trial.failure();
  if (failure instanceof UnusableLogin) throw failure;
  if (failure !== undefined) throw new UnusableLogin('it could not sign', { cause: failure });
  if (!trial.signed()) return `${nameOf(publicKey)} refused`;
  talk.methods = (yield noMethod(talk.user)).methods;
  return `${nameOf(publicKey)} ${NOT_ENOUGH}`;
}

/** What every host refuses, with the methods that it takes. */
export function noMethod(username: string): NoAuthMethod {
  return { type: 'none', username };
}

interface AgentTrial {
  readonly method: AgentAuthMethod;
  /** Whether the host took the key, so that it was signed for. */
  signed(): boolean;
  /** Why it could not be signed for. */
  failure(): unknown;
}

function throughAgent(username: string, key: ParsedKey, sign: SignWithKey): AgentTrial {
  let signed = false;
  let failure: unknown;
  const agent = new OneKeyAgent(key, async (data, options) => {
    try {
      const signature = await sign(data, options);
      signed = true;
      return signature;
    } catch (cause) {
      failure = cause;
      throw cause;
    }
  });
  return { method: { type: 'agent', username, agent }, signed: () => signed, failure: () => failure };
}

function isNew(talk: LoginTalk, key: ParsedKey): boolean {
  const blob = key.getPublicSSH().toString('base64');
  if (talk.offered.has(blob)) return false;
  talk.offered.add(blob);
  return true;
}

function nameOf(key: ParsedKey): string {
  return `${key.type} ${keyFingerprint(key.getPublicSSH())}`;
}
