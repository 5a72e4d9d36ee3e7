import { setTimeout as sleep } from 'node:timers/promises';
import pRetry from 'p-retry';
import { HostError } from '../../host-error.ts';
import { type CheckedPlace, LOOPBACK } from '../../listen-place.ts';
import type { Connection } from '../connection/connection.ts';
import type { SshLink } from '../link/ssh-link.ts';
import type { Opening } from './bind-request.ts';
import { removeRemoteSocket } from './dead-socket.ts';
import { endServerProcess, type ServerProcess, serverProcess } from './server-process.ts';
import { type TakenPlace, takePlace } from './take-place.ts';

/** A place that is listened at, for as long as its connection holds. */
export interface Standing {
  readonly connection: Connection;
  readonly taken: TakenPlace;
  readonly server: Promise<ServerProcess | undefined>;
}

export type Hear = (connection: Connection, opening: Opening) => void;

/** How often a connection may break while it is being asked to listen. */
const MAX_BREAKS = 5;
/** How long it is waited for the process that serves the connection: without it, the place may not be had back. */
const MAX_SERVER_WAIT_MS = 2_000;
/** How often a place that is refused after a reconnection is asked for again: for half a minute, in which who holds it may go. */
const MAX_REFUSALS = 10;

/** @throws {HostError} the codes of `Host.listen`. */
export async function stand(
  link: SshLink,
  place: CheckedPlace,
  options: { readonly hear: Hear; readonly signal: AbortSignal | undefined },
): Promise<Standing> {
  for (let breaks = 0; ; breaks += 1) {
    const connection = await link.connection(options.signal);
    try {
      const onOpening = (opening: Opening): void => options.hear(connection, opening);
      const server = serverProcess(link, connection).catch(() => undefined);
      const taken = await takePlace(link, place, { connection, onOpening });
      // In time for a break right after this; but where all sessions are taken, it may be long until there is one.
      await atMost(MAX_SERVER_WAIT_MS, server);
      return { connection, taken, server };
    } catch (failure) {
      if (!connection.lost.aborted || link.lost.aborted || breaks === MAX_BREAKS) throw failure;
    }
  }
}

/**
 * Listens at the same place over the next connection, once there is one. Rejects when the host is gone, somebody else has the place, or the signal fires:
 * then what came of it is taken back.
 */
export async function standAgain(
  link: SshLink,
  last: Standing,
  options: { readonly hear: Hear; readonly signal: AbortSignal },
): Promise<Standing> {
  const { target, identity } = last.taken;
  const place = 'socket' in target ? target : { port: target.port, address: target.address ?? LOOPBACK };
  const attempt = async (): Promise<Standing> => {
    // The host may not know yet that the last connection is gone.
    const server = await last.server;
    if (server !== undefined) await endServerProcess(link, server);
    if ('socket' in target && identity !== undefined) await removeRemoteSocket(link, target.socket, identity);
    const standing = await stand(link, place, options);
    if (options.signal.aborted) await standing.taken.release();
    return standing;
  };
  return await pRetry(attempt, {
    retries: MAX_REFUSALS,
    minTimeout: 200,
    maxTimeout: 5_000,
    signal: options.signal,
    shouldRetry: () => !link.lost.aborted,
    shouldConsumeRetry: ({ error }) => !isLinkTrouble(error),
  });
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  const deadline = sleep(ms, undefined, { signal: done.signal }).catch(() => undefined);
  await Promise.race([work, deadline]);
  done.abort();
}

/** These come after a wait for the link, which is still being tried. */
function isLinkTrouble(failure: Error): boolean {
  return failure instanceof HostError && (failure.code === 'host-lost' || failure.code === 'timeout');
}
