import type { Socket } from 'node:net';
import type { ConnectAttempt } from './connect-attempt.ts';
import { unreachable } from './connection-failure.ts';
import { openTcpSocket, type TcpSocket } from './tcp-socket.ts';

/** How long one address of a name with several is tried alone: the 250 ms that Node gives it are too few for far hosts. */
const ADDRESS_MS = 2_000;

export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP connection. An attempt that ends leaves no socket.
 *
 * @throws {HostError} `host-lost`, `timeout`, or what the attempt was aborted with.
 */
export async function openSocket({ host, port }: SocketAddress, attempt: ConnectAttempt): Promise<TcpSocket> {
  attempt.at(`waiting for a TCP connection to ${host}, port ${port}`);
  attempt.signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => reject(attempt.signal.reason);
  attempt.signal.addEventListener('abort', onAbort, { once: true });
  let socket: Socket | undefined;
  try {
    const tcp = openTcpSocket({ host, port, autoSelectFamilyAttemptTimeout: ADDRESS_MS });
    socket = tcp.socket;
    socket.once('connect', resolve);
    socket.once('error', (cause) => reject(unreachable({ host, port }, cause)));
    await promise;
    return tcp;
  } catch (failure) {
    socket?.destroy();
    if (attempt.signal.aborted) throw attempt.signal.reason;
    throw unreachable({ host, port }, failure);
  } finally {
    attempt.signal.removeEventListener('abort', onAbort);
  }
}
