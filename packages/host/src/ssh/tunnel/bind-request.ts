import type { Channel, Client } from 'ssh2';
import { HostError } from '../../host-error.ts';
import type { CheckedPlace } from '../../listen-place.ts';
import type { Connection } from '../connection/connection.ts';
import { inTime } from '../connection/in-time.ts';

/** A connection that came to the host, which its sshd holds until it is answered. */
export interface Opening {
  accept(): Channel;
  reject(): void;
}

/** What sshd does for one connection: it listens until that ends, or it is told to stop. */
export interface Binding {
  /** 0 for a socket. */
  readonly port: number;
  /** The socket itself stays in the file system: sshd leaves it there. */
  release(): Promise<void>;
}

export interface BindOptions {
  readonly onOpening: (opening: Opening) => void;
  /** How long it may take to answer. */
  readonly withinMs: number;
}

/**
 * Asks sshd to listen. `undefined` when it refuses, which it does without a reason.
 * Rejects with the reason of `connection.lost` when that aborts.
 */
export async function requestBinding(
  connection: Connection,
  place: CheckedPlace,
  { onOpening, withinMs }: BindOptions,
): Promise<Binding | undefined> {
  const { client } = connection;
  let port: number | undefined;
  const stopHearing = hear(client, (to, opening) => {
    const isOurs =
      'socket' in place ? to.socket === place.socket : to.port === port && to.address === place.address;
    if (isOurs) onOpening(opening);
  });
  const asked = ask(connection, (callback) => {
    const answer = (failure: Error | null | undefined, given = 0): void => {
      // At once: the first connection may come with the same packet.
      if (failure == null) port = given;
      callback(failure == null);
    };
    if ('socket' in place) client.openssh_forwardInStreamLocal(place.socket, (failure) => answer(failure));
    else client.forwardIn(place.address, place.port, answer);
  });
  const release = async (): Promise<void> => {
    // Until the answer has come, there may be more of them.
    const told = ask(connection, (callback) => {
      const done = (failure: Error | null | undefined): void => callback(failure == null);
      if ('socket' in place) client.openssh_unforwardInStreamLocal(place.socket, done);
      else client.unforwardIn(place.address, port ?? place.port, done);
    });
    const failed = 'said nothing of listening no longer';
    await inTime(told, { withinMs, failed, undo: () => undefined }).catch(() => undefined);
    stopHearing();
  };
  const failed = 'said nothing of listening';
  const undo = (isLate: boolean): Promise<void> | undefined => (isLate ? release() : undefined);
  const bound = await inTime(asked, { withinMs, failed, undo }).catch((failure: unknown) => {
    stopHearing();
    throw failure;
  });
  if (bound && port !== undefined) return { port, release };
  stopHearing();
  return undefined;
}

interface Destination {
  readonly address?: string;
  readonly port?: number;
  readonly socket?: string;
}

function hear(client: Client, listener: (to: Destination, opening: Opening) => void): () => void {
  const onTcp = (
    { destIP, destPort }: { destIP: string; destPort: number },
    accept: () => Channel,
    reject: () => void,
  ): void => listener({ address: destIP, port: destPort }, { accept, reject });
  const onUnix = ({ socketPath }: { socketPath: string }, accept: () => Channel, reject: () => void): void =>
    listener({ socket: socketPath }, { accept, reject });
  client.setMaxListeners(client.getMaxListeners() + 1);
  client.on('tcp connection', onTcp);
  client.on('unix connection', onUnix);
  return () => {
    client.off('tcp connection', onTcp);
    client.off('unix connection', onUnix);
    client.setMaxListeners(client.getMaxListeners() - 1);
  };
}

async function ask(
  { lost }: Connection,
  send: (callback: (done: boolean) => void) => void,
): Promise<boolean> {
  lost.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const onLost = (): void => reject(lost.reason);
  lost.addEventListener('abort', onLost, { once: true });
  try {
    send(resolve);
    const done = await promise;
    lost.throwIfAborted();
    return done;
  } catch (cause) {
    lost.throwIfAborted();
    throw new HostError('host-lost', `The connection is just being closed: ${String(cause)}`, { cause });
  } finally {
    lost.removeEventListener('abort', onLost);
  }
}
