import { createServer, type Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';
import type { ConnectTarget, Host } from './host.ts';
import { listenOnLoopback } from './listen-on-loopback.ts';

export interface Forward extends AsyncDisposable {
  /** Always loopback. */
  readonly address: '127.0.0.1';
  readonly port: number;
}

/**
 * Listens on a free loopback port of the machine that this program runs on, and leads each connection to a service on the host.
 * Whatever runs on this machine can connect to the port: the service has to ask for a secret.
 * A connection that the host refuses is closed. Ends with its disposal or with the host.
 *
 * @throws {HostError} `io` when this machine gives no port.
 */
export async function forward(host: Host, target: ConnectTarget): Promise<Forward> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
    void lead(host, target, socket);
  });
  const port = await listenOnLoopback(server);
  const close = async (): Promise<void> => {
    host.signal.removeEventListener('abort', onHostGone);
    for (const socket of open) socket.destroy();
    if (!server.listening) return;
    await new Promise((resolve) => server.close(resolve));
  };
  const onHostGone = (): void => void close();
  host.signal.addEventListener('abort', onHostGone, { once: true });
  return { address: '127.0.0.1', port, [Symbol.asyncDispose]: close };
}

async function lead(host: Host, target: ConnectTarget, socket: Socket): Promise<void> {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  try {
    await using connection = await host.connect(target, { signal: gone.signal });
    await Promise.all([
      Readable.toWeb(socket).pipeTo(connection.writable),
      connection.readable.pipeTo(Writable.toWeb(socket)),
    ]);
  } catch {
    // Either end broke off: the other learns it by the reset, as it would without a forward between them.
    socket.destroy();
  }
}
