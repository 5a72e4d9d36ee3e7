import { connect, type Socket } from 'node:net';
import { abortedError, throwIfAborted } from '../abort.ts';
import { retainOutput, webWritable } from '../byte-streams.ts';
import type { ConnectTarget, HostConnection } from '../host.ts';
import { fileFailure } from './file-failure.ts';

/** See `Host.connect`. */
export async function connectLocally(
  target: ConnectTarget,
  signal: AbortSignal | undefined,
): Promise<HostConnection> {
  const name = 'socket' in target ? target.socket : `port ${target.port} of ${target.address ?? '127.0.0.1'}`;
  const attempt = `connect to ${name}`;
  throwIfAborted(signal, attempt);
  const socket =
    'socket' in target
      ? connect({ path: target.socket, allowHalfOpen: true })
      : connect({
          port: target.port,
          host: target.address ?? '127.0.0.1',
          allowHalfOpen: true,
          noDelay: true,
        });
  await opened(socket, attempt, signal);
  return {
    readable: retainOutput(socket, `read from ${name}`).stream,
    writable: webWritable(socket, `write to ${name}`),
    async [Symbol.asyncDispose]() {
      socket.destroy();
    },
  };
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
