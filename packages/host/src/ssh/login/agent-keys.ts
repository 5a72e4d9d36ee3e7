import type { Duplex } from 'node:stream';
import { BaseAgent, createAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { untilAborted } from '../connection/connect-attempt.ts';
import { UnusableLogin } from './login-way.ts';

/** Signs with a key that somebody else holds. */
export type SignWithKey = (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>;

/** What ssh2 takes for an agent with a single key: so the next key is our decision, and signing may wait for somebody. */
export class OneKeyAgent extends BaseAgent<ParsedKey> {
  readonly #key: ParsedKey;
  readonly #sign: SignWithKey;

  constructor(key: ParsedKey, sign: SignWithKey) {
    super();
    this.#key = key;
    this.#sign = sign;
  }

  override getIdentities(callback: (failure?: Error | null, keys?: ParsedKey[]) => void): void {
    callback(undefined, [this.#key]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const asked = typeof options === 'function' ? {} : options;
    this.#sign(data, asked).then(
      (signature) => done?.(undefined, signature),
      (failure: unknown) => done?.(failure instanceof Error ? failure : new Error(String(failure))),
    );
  }
}

/** A key in an agent. */
export interface AgentKey {
  readonly key: ParsedKey;
  /** The agent may ask somebody first; the signal ends the waiting. */
  signFor(signal: AbortSignal): SignWithKey;
}

/**
 * The keys of an agent that can be used here: RSA, ECDSA and Ed25519, without certificates and hardware keys.
 *
 * @throws {UnusableLogin} when the agent does not answer.
 */
export async function listAgentKeys(socket: string, signal: AbortSignal): Promise<readonly AgentKey[]> {
  const keys = await askAgent<ParsedKey[]>(socket, signal, (agent, done) =>
    agent.getIdentities((failure, found) => done(failure, found?.filter(isParsed))),
  ).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new UnusableLogin(`no agent answers at ${socket}`, { cause });
  });
  return keys.map((key) => ({
    key,
    signFor: (waiting) => (data, options) =>
      askAgent<Buffer>(socket, waiting, (agent, done) => agent.sign(key, data, options, done)),
  }));
}

function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}

type Answered<T> = (failure: Error | null | undefined, answer?: T) => void;

/** An agent that keeps silent is left when the signal aborts, and its socket is closed. */
async function askAgent<T>(
  path: string,
  signal: AbortSignal,
  ask: (agent: BaseAgent, done: Answered<T>) => void,
): Promise<T> {
  const agent = createAgent(path);
  const open = agent.getStream?.bind(agent);
  let stream: Duplex | undefined;
  agent.getStream = (callback) => {
    open?.((failure, opened) => {
      stream = opened;
      if (signal.aborted) opened?.destroy();
      callback(failure, opened);
    });
  };
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  try {
    ask(agent, (failure, answer) => {
      if (answer === undefined) reject(failure ?? new Error('The agent gave no answer.'));
      else resolve(answer);
    });
    return await untilAborted(signal, () => promise);
  } finally {
    stream?.destroy();
  }
}
