import type { ConnectTarget, HostConnection, HostListener, ListenPlace } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import { checkConnectTarget, checkListenPlace, LOOPBACK, placeName } from '../../listen-place.ts';
import { createWaitingConnections } from '../../waiting-connections.ts';
import { memoryConnection } from './memory-connection.ts';

/** Takes a connection to a service on a memory host; the other end is the caller's. */
export type MemoryService = (connection: HostConnection) => void;

export interface MemoryServicesOptions {
  readonly hostSignal: AbortSignal;
  /** Puts a socket into the file tree; gives the function that takes it away. @throws {HostError} as `Host.listen` does. */
  readonly plantSocket: (path: HostPath) => () => void;
}

/** What listens on a memory host. */
export interface MemoryServices {
  connect(target: ConnectTarget): HostConnection;
  serve(target: ConnectTarget, service: MemoryService): () => void;
  listen(place: ListenPlace): HostListener;
}

/** Where Linux begins with the ports that it gives away. */
const FIRST_FREE_PORT = 32_768;

export function createMemoryServices({ hostSignal, plantSocket }: MemoryServicesOptions): MemoryServices {
  const services = new Map<string, MemoryService>();
  const take = (target: ConnectTarget): string => {
    const key = keyOf(target);
    if (!services.has(key)) return key;
    throw new HostError('already-exists', `Could not listen on ${placeName(target)}: it is taken.`);
  };
  const freePort = (): number => {
    for (let port = FIRST_FREE_PORT; ; port += 1) if (!services.has(keyOf({ port }))) return port;
  };
  return {
    connect(target) {
      checkConnectTarget(target);
      const open = 'port' in target ? services.get(keyOf({ ...target, address: '0.0.0.0' })) : undefined;
      const service = services.get(keyOf(target)) ?? open;
      if (service === undefined) {
        throw new HostError('not-found', `Could not connect to ${placeName(target)}: nothing listens there.`);
      }
      const [here, there] = memoryConnection(hostSignal);
      service(there);
      return here;
    },
    serve(target, service) {
      const key = keyOf(target);
      services.set(key, service);
      return () => void services.delete(key);
    },
    listen(place) {
      const checked = checkListenPlace(place);
      const target = 'socket' in checked ? checked : { ...checked, port: checked.port || freePort() };
      const key = take(target);
      const remove = 'socket' in target ? plantSocket(target.socket) : () => undefined;
      const waiting = createWaitingConnections();
      const open = new Set<HostConnection>();
      services.set(key, (connection) => {
        open.add(connection);
        waiting.add({ take: () => connection, turnAway: () => void connection[Symbol.asyncDispose]() });
      });
      const over = new AbortController();
      const end = (cause: HostError | undefined): void => {
        hostSignal.removeEventListener('abort', onLost);
        waiting.end(cause);
        over.abort(cause ?? new HostError('aborted', `Listening on ${placeName(target)} was ended.`));
        services.delete(key);
        remove();
      };
      const onLost = (): void => end(hostSignal.reason);
      hostSignal.addEventListener('abort', onLost, { once: true });
      return {
        target,
        connections: waiting.connections,
        signal: over.signal,
        async [Symbol.asyncDispose]() {
          if (!over.signal.aborted) end(undefined);
          await Promise.all([...open].map((one) => one[Symbol.asyncDispose]()));
        },
      };
    },
  };
}

function keyOf(target: ConnectTarget): string {
  return 'socket' in target ? target.socket : `${target.address ?? LOOPBACK} ${target.port}`;
}
