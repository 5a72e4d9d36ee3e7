import type { ConnectTarget, Host, HostListener, ListenPlace } from './host.ts';
import { hostPath } from './host-path.ts';
import { LOOPBACK } from './listen-place.ts';
import { listenLocally } from './local/listen.ts';
import { checkFilePath } from './option-values.ts';
import { openTunnel } from './tunnel.ts';

/** A loopback port of the machine that this program runs on. */
export interface Forward extends AsyncDisposable {
  readonly address: '127.0.0.1';
  readonly port: number;
}

/** A Unix socket of the machine that this program runs on. */
export interface SocketForward extends AsyncDisposable {
  /** Its absolute path. */
  readonly socket: string;
}

export interface ForwardOptions {
  /** Stops the opening. */
  readonly signal?: AbortSignal;
}

/**
 * Listens on a free loopback port of the machine that this program runs on, or on a Unix socket there (an absolute path), and leads each connection to a
 * service on the host. Whatever runs on this machine can connect to the port, and whatever runs as its user to the socket: the service has to ask for a secret.
 * A connection that the host refuses is reset. While the link to the host is broken, it waits as `Host.connect` does. Ends with its disposal or with the host.
 *
 * @throws {HostError} `io` when this machine gives no port, the codes of `Host.listen` for a socket, `aborted`.
 */
export async function forward(host: Host, target: ConnectTarget, options?: ForwardOptions): Promise<Forward>;
export async function forward(
  host: Host,
  target: ConnectTarget,
  options: ForwardOptions & { readonly socket: string },
): Promise<SocketForward>;
export async function forward(
  host: Host,
  target: ConnectTarget,
  options: ForwardOptions & { readonly socket?: string } = {},
): Promise<Forward | SocketForward> {
  const { socket, signal } = options;
  if (socket !== undefined) checkFilePath(socket, 'socket', 'an absolute path');
  const place: ListenPlace = socket === undefined ? {} : { socket: hostPath(socket) };
  const listener = await listenLocally(place, { signal, hostSignal: host.signal });
  const tunnel = openTunnel(listener, (ended) => host.connect(target, { signal: ended }));
  return { ...reached(listener), ...tunnel };
}

function reached({ target }: HostListener): { socket: string } | { address: typeof LOOPBACK; port: number } {
  return 'socket' in target ? { socket: target.socket } : { address: LOOPBACK, port: target.port };
}
