import { connect, type Socket } from 'node:net';
import { abortedError, throwIfAborted } from '../abort.ts';
import type { ConnectTarget, HostConnection } from '../host.ts';
import { checkConnectTarget, LOOPBACK, placeName } from '../listen-place.ts';
import { fileFailure } from './file-failure.ts';
import { socketConnection } from './socket-connection.ts';

/** See `Host.connect`. */
export async function connectLocally(
  target: ConnectTarget,
  signal: AbortSignal | undefined,
): Promise<HostConnection> {
  const name = placeName(target);
  const attempt = `connect to ${name}`;
  throwIfAborted(signal, attempt);
  checkConnectTarget(target);
  const socket =
    'socket' in target
      ? connect({ path: target.socket, allowHalfOpen: true })
      : connect({
          port: target.port,
          host: target.address ?? LOOPBACK,
          allowHalfOpen: true,
          noDelay: true,
        });
  await opened(socket, attempt, signal);
  return socketConnection(socket, name);
}

async function opened(socket: Socket, attempt: string, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = (): void => {
    if (signal !== undefined) reject(abortedError(signal, attempt));
  };
  const onError = (failure: Error): void => reject(fileFailure(attempt, failure));
  socket.once('connect', resolve);
  socket.once('error', onError);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await promise;
  } catch (failure) {
    socket.destroy();
    throw failure;
  } finally {
    socket.off('error', onError);
    signal?.removeEventListener('abort', onAbort);
  }
}
