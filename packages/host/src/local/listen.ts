import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { abortedError, throwIfAborted } from '../abort.ts';
import type { ConnectTarget, HostConnection, HostListener, ListenPlace } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type CheckedPlace, checkListenPlace, placeName } from '../listen-place.ts';
import { createWaitingConnections } from '../waiting-connections.ts';
import { fileFailure } from './file-failure.ts';
import { socketConnection } from './socket-connection.ts';
import { plantSocket } from './socket-file.ts';

export interface LocalListenOptions {
  /** Stops the opening. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the listener, with its reason. */
  readonly hostSignal?: AbortSignal;
}

/** See `Host.listen`. */
export async function listenLocally(
  place: ListenPlace,
  { signal, hostSignal }: LocalListenOptions = {},
): Promise<HostListener> {
  const attempt = `listen on ${placeName(place)}`;
  const checked = checkListenPlace(place);
  throwIfAborted(signal, attempt);
  hostSignal?.throwIfAborted();
  const waiting = createWaitingConnections();
  const sockets = new Set<Socket>();
  const taken = new Set<HostConnection>();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Whoever has taken it learns of it through its streams.
    socket.on('error', () => undefined);
    waiting.add({
      take() {
        if (socket.destroyed) return undefined;
        const connection = socketConnection(socket, `a client of ${name}`);
        taken.add(connection);
        socket.once('close', () => taken.delete(connection));
        return connection;
      },
      turnAway: () => socket.destroy(),
    });
  });
  const { target, remove } = await open(server, checked, attempt);
  const name = placeName(target);
  const over = new AbortController();
  let closing: Promise<void> | undefined;
  const close = async (cause: HostError | undefined): Promise<void> => {
    hostSignal?.removeEventListener('abort', onHostGone);
    waiting.end(cause);
    over.abort(cause ?? new HostError('aborted', `Listening on ${name} was ended.`));
    await Promise.all([...taken].map((one) => one[Symbol.asyncDispose]()));
    for (const socket of sockets) socket.destroy();
    await Promise.all([remove(), new Promise((resolve) => server.close(resolve))]);
  };
  const onHostGone = (): void => {
    closing ??= close(hostSignal?.reason);
  };
  hostSignal?.addEventListener('abort', onHostGone, { once: true });
  if (hostSignal?.aborted) onHostGone();
  const listener: HostListener = {
    target,
    connections: waiting.connections,
    signal: over.signal,
    async [Symbol.asyncDispose]() {
      closing ??= close(undefined);
      await closing;
    },
  };
  if (signal?.aborted) {
    await listener[Symbol.asyncDispose]();
    throw abortedError(signal, attempt);
  }
  return listener;
}

interface Opened {
  readonly target: ConnectTarget;
  /** Takes away what stands for it in the file system. */
  readonly remove: () => Promise<void>;
}

async function open(server: Server, place: CheckedPlace, attempt: string): Promise<Opened> {
  try {
    if ('socket' in place) {
      const remove = await plantSocket(place.socket, (path) => start(server, { path }, attempt));
      return { target: place, remove };
    }
    await start(server, { host: place.address, port: place.port }, attempt);
  } catch (failure) {
    server.close();
    throw failure;
  }
  const bound = server.address();
  if (bound === null || typeof bound === 'string')
    throw new HostError('io', `Could not ${attempt}: no port.`);
  return { target: { address: place.address, port: bound.port }, remove: async () => undefined };
}

async function start(server: Server, options: ListenOptions, attempt: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Later it tells of a connection that could not be taken, which its maker sees.
  server.on('error', (failure) => reject(fileFailure(attempt, failure)));
  // In a cluster's worker, the primary process would listen for all of them.
  server.listen({ ...options, exclusive: true }, resolve);
  await promise;
}
