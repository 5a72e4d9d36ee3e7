import { Client, type ClientChannel, type ConnectConfig, type ServerHostKeyAlgorithm } from 'ssh2';
import { abortedError, throwIfAborted } from '../abort.ts';
import { HostError } from '../host-error.ts';
import { type HostKeyCheck, hostKeyCheck } from './host-key.ts';
import type { SshDestination } from './ssh-destination.ts';

/** One SSH connection. */
export interface Connection {
  readonly client: Client;
  /** Aborts when the connection is gone, with the `HostError` as its reason. */
  readonly lost: AbortSignal;
  close(): void;
}

/** How many unanswered keepalives mean that the link is dead. */
const KEEPALIVE_MISSES = 3;

/** Opens connections to one destination, again and again. */
export interface Connector {
  /** `user@host:port`. */
  readonly label: string;
  /** @throws {HostError} `host-key-unknown`, `host-key-changed`, `permission-denied`, `timeout`, `aborted`, `host-lost`, `unsupported`. */
  connect(signal?: AbortSignal): Promise<Connection>;
}

export function createConnector(destination: SshDestination): Connector {
  const port = destination.port ?? 22;
  const label = `${destination.user}@${destination.host}:${port}`;
  return {
    label,
    async connect(signal) {
      const hostKey = await hostKeyCheck(destination.host, port, destination.hostKey);
      return await openConnection(destination, { name: label, hostKey, signal });
    },
  };
}

interface Opening {
  readonly name: string;
  readonly hostKey: HostKeyCheck;
  readonly signal: AbortSignal | undefined;
}

async function openConnection(
  target: SshDestination,
  { name, hostKey, signal }: Opening,
): Promise<Connection> {
  throwIfAborted(signal, `connect to ${name}`);
  const client = new Client();
  const lifetime = new AbortController();
  const ready = Promise.withResolvers<void>();
  let refusal: HostError | undefined;
  const lose = (cause: Error | undefined): void => {
    const failure = refusal ?? connectionFailure(name, cause);
    ready.reject(failure);
    lifetime.abort(failure);
  };
  const onAbort = (): void => {
    if (signal !== undefined) refusal = abortedError(signal, `connect to ${name}`);
    client.destroy();
    lose(undefined);
  };
  client.once('ready', ready.resolve);
  client.on('error', lose);
  client.once('close', () => lose(undefined));
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    client.connect({
      ...settings(target, hostKey),
      hostVerifier(key: Buffer) {
        refusal = hostKey.refusal(key);
        return refusal === undefined;
      },
    });
    await ready.promise;
  } catch (failure) {
    client.destroy();
    throw failure instanceof HostError ? failure : connectionFailure(name, failure);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
  client.setNoDelay(true);
  return { client, lost: lifetime.signal, close: () => void client.end() };
}

function settings(target: SshDestination, hostKey: HostKeyCheck): ConnectConfig {
  const { auth } = target;
  const preferred = hostKey.preferredTypes.flatMap(hostKeyAlgorithms);
  return {
    host: target.host,
    port: target.port ?? 22,
    username: target.user,
    readyTimeout: target.connectTimeoutMs ?? 20_000,
    keepaliveInterval: target.keepaliveMs ?? 5_000,
    keepaliveCountMax: KEEPALIVE_MISSES,
    ...('agent' in auth ? { agent: auth.agent } : auth),
    ...(preferred.length === 0
      ? {}
      : { algorithms: { serverHostKey: { prepend: preferred, append: [], remove: [] } } }),
  };
}

/** The signature algorithms that ssh2 has for a type of key. */
function hostKeyAlgorithms(keyType: string): readonly ServerHostKeyAlgorithm[] {
  switch (keyType) {
    case 'ssh-rsa':
      return ['rsa-sha2-512', 'rsa-sha2-256'];
    case 'ssh-ed25519':
    case 'ecdsa-sha2-nistp256':
    case 'ecdsa-sha2-nistp384':
    case 'ecdsa-sha2-nistp521':
      return [keyType];
    default:
      return [];
  }
}

function connectionFailure(name: string, cause: unknown): HostError {
  if (!(cause instanceof Error)) return new HostError('host-lost', `The connection to ${name} ended.`);
  const level = 'level' in cause ? cause.level : undefined;
  if (level === 'client-authentication') {
    const hint = 'Check the user, and that the host accepts this key or password.';
    return new HostError('permission-denied', `${name} did not let the user in. ${hint}`, { cause });
  }
  const code = level === 'client-timeout' ? 'timeout' : 'host-lost';
  return new HostError(
    code === 'timeout' && cause.message.startsWith('Keepalive') ? 'host-lost' : code,
    `The connection to ${name} failed: ${cause.message}`,
    { cause },
  );
}

/** Opens a channel by one of the client's methods. */
export async function openChannel(
  connection: Connection,
  open: (callback: (failure: Error | undefined, channel: ClientChannel) => void) => void,
): Promise<ClientChannel> {
  connection.lost.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const onLost = (): void => reject(connection.lost.reason);
  connection.lost.addEventListener('abort', onLost, { once: true });
  try {
    open((failure, channel) => {
      if (failure === undefined) resolve(channel);
      else reject(failure);
    });
    return await promise;
  } catch (failure) {
    connection.lost.throwIfAborted();
    throw failure;
  } finally {
    connection.lost.removeEventListener('abort', onLost);
  }
}
