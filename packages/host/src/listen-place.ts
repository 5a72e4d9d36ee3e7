import { isIP } from 'node:net';
import type { ConnectTarget, ListenPlace } from './host.ts';
import { HostError } from './host-error.ts';
import type { HostPath } from './host-path.ts';
import { checkPort, invalid } from './option-values.ts';

export const LOOPBACK = '127.0.0.1';

/** A `ListenPlace` without gaps. Port 0 is a free one. */
export type CheckedPlace =
  | { readonly port: number; readonly address: string }
  | { readonly socket: HostPath };

/** @throws {HostError} `unsupported` when no host can listen there, `invalid-path` when no socket can be there. */
export function checkListenPlace(place: ListenPlace): CheckedPlace {
  if ('socket' in place) {
    checkSocketPath(place.socket);
    return { socket: place.socket };
  }
  const { port = 0, address = LOOPBACK } = place;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new HostError('unsupported', `Nobody can listen on port ${port}: a port is a number up to 65,535.`);
  }
  if (isIP(address) === 0) {
    throw new HostError(
      'unsupported',
      `Could not listen on ${address}: an IP address is needed, not a name.`,
    );
  }
  return { port, address };
}

/** @throws {HostError} `invalid-config` for a port that is none, `invalid-path` and `unsupported` as `checkSocketPath`. */
export function checkConnectTarget(target: ConnectTarget): void {
  if ('socket' in target) checkSocketPath(target.socket);
  else if (target.port === undefined) throw invalid('port', 'a port, from 1 to 65,535', undefined);
  else checkPort(target.port, 'port');
}

/** For messages. */
export function placeName(place: ConnectTarget | ListenPlace): string {
  if ('socket' in place) return place.socket;
  const port = place.port === undefined || place.port === 0 ? 'a free port' : `port ${place.port}`;
  return `${port} of ${place.address ?? LOOPBACK}`;
}

/** `sockaddr_un.sun_path` of Linux, without the byte that ends it: see unix(7). */
const MAX_SOCKET_PATH_BYTES = 107;

/**
 * A longer path would be cut off, or refused with an error that does not say why.
 *
 * @throws {HostError} `invalid-path`, or `unsupported` for a name that is not UTF-8: neither Node nor ssh2 can pass it on.
 */
export function checkSocketPath(path: HostPath, maxBytes: number = MAX_SOCKET_PATH_BYTES): void {
  if (!path.isWellFormed()) {
    throw new HostError('unsupported', `${path} cannot be a socket's: its name is not UTF-8.`);
  }
  const bytes = Buffer.byteLength(path);
  if (bytes > maxBytes) {
    throw new HostError(
      'invalid-path',
      `${path} cannot be a socket's: it has ${bytes} bytes, and ${maxBytes} are the most there. Use a folder with a shorter path.`,
    );
  }
}
