import type { ConnectTarget, Host, ListenPlace } from './host.ts';
import { hostPath } from './host-path.ts';
import { connectLocally } from './local/connect.ts';
import { checkFilePath } from './option-values.ts';
import { openTunnel } from './tunnel.ts';

/** A service of the machine that this program runs on, or of one that it reaches. */
export type NearTarget =
  | { readonly port: number; readonly address?: string }
  /** The absolute path of a Unix socket. */
  | { readonly socket: string };

export interface RemoteForward extends AsyncDisposable {
  /** Where it is reached on the host, with the port that was chosen. */
  readonly target: ConnectTarget;
  /** Aborts when it leads nowhere any more, with the `HostError` as its reason: see `HostListener.signal`. */
  readonly signal: AbortSignal;
}

export interface RemoteForwardOptions {
  /** Where to listen on the host: a free loopback port by default. */
  readonly place?: ListenPlace;
  /** Stops the opening. */
  readonly signal?: AbortSignal;
}

/**
 * Listens on the host, and leads each connection to a service that this program reaches. Whatever runs on the host can connect to a port, an agent's commands
 * included, and whatever runs as its user to a socket: the service has to ask for a secret.
 * A connection that the service refuses is reset. Ends with its disposal or with the host.
 *
 * @throws {HostError} the codes of `Host.listen`.
 */
export async function remoteForward(
  host: Host,
  target: NearTarget,
  { place = {}, ...options }: RemoteForwardOptions = {},
): Promise<RemoteForward> {
  if ('socket' in target) checkFilePath(target.socket, 'socket', 'an absolute path');
  const near = 'socket' in target ? { socket: hostPath(target.socket) } : target;
  const listener = await host.listen(place, options);
  const tunnel = openTunnel(listener, (ended) => connectLocally(near, ended));
  return { target: listener.target, signal: listener.signal, ...tunnel };
}
