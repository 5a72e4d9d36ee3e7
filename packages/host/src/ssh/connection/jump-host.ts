import type { Duplex } from 'node:stream';
import { HostError } from '../../host-error.ts';
import type { ConnectAttempt } from './connect-attempt.ts';
import { untilAborted } from './connect-attempt.ts';
import type { Connection } from './connection.ts';
import { said } from './connection-failure.ts';
import { openChannel } from './open-channel.ts';
import type { SocketAddress } from './open-socket.ts';

/** A stream to a host that is to be connected to, and what it depends on. */
export interface Transport {
  readonly stream: Duplex;
  /** Aborts when the way there is gone, with the `HostError` as its reason. */
  readonly lost?: AbortSignal;
  /** To be told of the cipher of what comes, whenever keys were exchanged. */
  cipherChanged?(incoming: string): void;
  /** Says that the stream is not needed any more. It is destroyed by whoever has it. */
  release(): void;
}

/** How a host is reached: directly or through another. */
export type Way = (to: SocketAddress, attempt: ConnectAttempt) => Promise<Transport>;

/** One connection to a jump host, opened when it is first needed and closed when nobody needs it any more. */
interface Shared {
  readonly connection: Promise<Connection>;
  readonly users: Set<ConnectAttempt>;
  /** Gives up connecting, or closes. */
  end(): void;
}

/**
 * The way through a jump host. Its connection is shared by all who go that way at the same time, and its loss is theirs.
 *
 * @param open connects to the jump host.
 */
export function throughJumpHost(label: string, open: (attempt: ConnectAttempt) => Promise<Connection>): Way {
  let shared: Shared | undefined;
  const start = (): Shared => {
    const users = new Set<ConnectAttempt>();
    const ending = new AbortController();
    const connection = open(sharedAttempt(label, users, ending.signal));
    const end = (): void => {
      if (shared === mine) shared = undefined;
      ending.abort(new HostError('aborted', `Nobody needs the connection to ${label} any more.`));
      connection.then(
        (opened) => opened.close(),
        () => undefined,
      );
    };
    const mine: Shared = { connection, users, end };
    connection.then(
      ({ lost }) => lost.addEventListener('abort', end, { once: true }),
      () => end(),
    );
    return mine;
  };
  return async (to, attempt) => {
    shared ??= start();
    const mine = shared;
    mine.users.add(attempt);
    const release = (): void => {
      if (mine.users.delete(attempt) && mine.users.size === 0) mine.end();
    };
    try {
      const connection = await untilAborted(attempt.signal, () => mine.connection);
      attempt.at(`waiting for ${label} to reach ${to.host}, port ${to.port}`);
      const stream = await openStream(connection, to, attempt.signal);
      return { stream, lost: connection.lost, release };
    } catch (failure) {
      release();
      throw attempt.signal.aborted ? attempt.signal.reason : blamed(label, to, failure);
    }
  };
}

/** The steps and questions of a shared connection are those of all who wait for it. */
function sharedAttempt(
  label: string,
  users: ReadonlySet<ConnectAttempt>,
  signal: AbortSignal,
): ConnectAttempt {
  return {
    signal,
    at(step) {
      for (const user of users) user.at(`${step}, at the jump host ${label}`);
    },
    async asking(ask) {
      const answer = untilAborted(signal, ask);
      const waiting = [...users].map((user) => user.asking(() => answer));
      await Promise.allSettled(waiting);
      return await answer;
    },
  };
}

async function openStream(connection: Connection, to: SocketAddress, signal: AbortSignal): Promise<Duplex> {
  const opening = openChannel(connection, (callback) => {
    connection.client.forwardOut('127.0.0.1', 0, to.host, to.port, callback);
  });
  try {
    return await untilAborted(signal, () => opening);
  } catch (failure) {
    // It may still be opened, for nobody.
    opening.then(
      (channel) => channel.destroy(),
      () => undefined,
    );
    throw failure;
  }
}

function blamed(label: string, to: SocketAddress, cause: unknown): HostError {
  const place = `${to.host}, port ${to.port}`;
  if (cause instanceof HostError) {
    return new HostError(cause.code, `The jump host ${label} on the way to ${place}: ${cause.message}`, {
      cause,
    });
  }
  const isForbidden = cause instanceof Error && 'reason' in cause && cause.reason === 1;
  const hint = isForbidden
    ? ' It does not forward connections there for this user (AllowTcpForwarding, PermitOpen).'
    : '';
  return new HostError(
    isForbidden ? 'permission-denied' : 'host-lost',
    `The jump host ${label} could not reach ${place}: ${said(cause)}.${hint}`,
    { cause },
  );
}
