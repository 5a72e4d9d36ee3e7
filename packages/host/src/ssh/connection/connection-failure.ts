import { HostError } from '../../host-error.ts';
import type { SocketAddress } from './open-socket.ts';

/** How far a connection has come. */
export type ConnectionPhase = 'handshake' | 'login' | 'open' | 'closing';

/** Why no TCP connection came about. */
export function unreachable({ host, port }: SocketAddress, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  const place = `${said(host)}, port ${port}`;
  const code = systemCode(cause);
  switch (code) {
    case 'ECONNREFUSED':
      return lost(
        `Nothing takes connections at ${place} (${code}): is sshd running there, on that port?`,
        cause,
      );
    case 'ENOTFOUND':
      return lost(
        `There is no address for ${JSON.stringify(host)} (${code}). Check its spelling; a name from ~/.ssh/config is understood by readSshConfig only.`,
        cause,
      );
    case 'EAI_AGAIN':
      return lost(
        `The address of ${JSON.stringify(host)} could not be looked up (${code}): does DNS work here?`,
        cause,
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return lost(
        `There is no way to ${place} from here (${code}): is a network, VPN or jump host missing?`,
        cause,
      );
    case 'ETIMEDOUT':
      return new HostError(
        'timeout',
        `Nothing answers at ${place} (${code}): a firewall may drop what is sent there.`,
        {
          cause,
        },
      );
    case 'ECONNRESET':
      return refusing(place, cause);
    default:
      return new HostError(
        // What is not the system's answer is Node's to an impossible name or port.
        code === undefined ? 'invalid-config' : 'host-lost',
        `Could not connect to ${place}: ${code ?? said(cause)}.`,
        { cause },
      );
  }
}

export interface EndedConnection {
  readonly label: string;
  readonly phase: ConnectionPhase;
  /** What ssh2 or the socket said; nothing when the other side just closed it. */
  readonly cause: unknown;
}

/** Why a connection ended that had come about. */
export function connectionFailure({ label, phase, cause }: EndedConnection): HostError {
  const message = cause instanceof Error ? cause.message : '';
  if (phase === 'handshake') return handshakeFailure(label, message, cause);
  if (phase === 'closing') return lost(`The connection to ${label} was closed.`, cause);
  if (message.startsWith('Keepalive')) {
    return lost(`The link to ${label} is dead: it gave no sign of life any more.`, cause);
  }
  const what = phase === 'login' ? 'ended before the user was logged in' : 'ended';
  if (!(cause instanceof Error)) return lost(`The connection to ${label} ${what}.`, cause);
  return lost(`The connection to ${label} ${what}: ${systemCode(cause) ?? said(cause)}.`, cause);
}

function handshakeFailure(label: string, message: string, cause: unknown): HostError {
  if (message.startsWith('Connection lost before handshake') || systemCode(cause) === 'ECONNRESET') {
    return refusing(label, cause);
  }
  if (
    /^(Invalid (header|identification)|Header line too long|Max greeting lines|Protocol version)/.test(
      message,
    )
  ) {
    return lost(`What answers at ${label} is no SSH server: ${said(cause)}. Check the port.`, cause);
  }
  if (message.includes('no matching')) {
    return new HostError(
      'unsupported',
      `${label} and this program have no algorithm in common: ${said(cause)}. The weak ones are left out on purpose.`,
      { cause },
    );
  }
  if (!(cause instanceof Error))
    return lost(`${label} closed the connection while keys were exchanged.`, cause);
  return lost(`The exchange of keys with ${label} failed: ${systemCode(cause) ?? said(cause)}.`, cause);
}

function refusing(label: string, cause: unknown): HostError {
  return lost(
    `${label} closed the connection before any keys were exchanged: its sshd may have too many logins under way (MaxStartups), or refuse this address.`,
    cause,
  );
}

function lost(message: string, cause: unknown): HostError {
  return new HostError('host-lost', message, cause === undefined ? {} : { cause });
}

/** The code of the operating system, also where several addresses were tried. */
function systemCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' && /^E(?!RR_)[A-Z_0-9]+$/.test(cause.code) ? cause.code : undefined;
}

/** What was said, perhaps by the host, made fit for a message: one line, no control or formatting characters, bounded. */
export function said(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text
    .replace(/^\(SSH\) Channel open failure: /, '')
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .slice(0, 300)
    .replace(/[. ]+$/, '');
}
