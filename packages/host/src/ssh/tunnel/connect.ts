import type { ClientChannel } from 'ssh2';
import { throwIfAborted, unlessAborted } from '../../abort.ts';
import type { ConnectTarget, HostConnection } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { checkConnectTarget, LOOPBACK, placeName } from '../../listen-place.ts';
import type { Connection } from '../connection/connection.ts';
import { inTime } from '../connection/in-time.ts';
import { openChannel } from '../connection/open-channel.ts';
import { channelConnection } from './channel-connection.ts';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254. */
const PROHIBITED = 1;

export interface ConnectOptions {
  readonly signal: AbortSignal | undefined;
  /** How long the host may take to say whether it could. */
  readonly withinMs: number;
}

/** See `Host.connect`. */
export async function connectRemotely(
  connection: Connection,
  target: ConnectTarget,
  { signal, withinMs }: ConnectOptions,
): Promise<HostConnection> {
  const name = placeName(target);
  const attempt = `connect to ${name}`;
  throwIfAborted(signal, attempt);
  checkConnectTarget(target);
  const { client, lost } = connection;
  const opening = openChannel(connection, (callback) => {
    if ('socket' in target) client.openssh_forwardOutStreamLocal(target.socket, callback);
    else client.forwardOut(LOOPBACK, 0, target.address ?? LOOPBACK, target.port, callback);
  });
  try {
    const undo = (late: ClientChannel): void => late.close();
    const channel = inTime(unlessAborted(opening, signal, { attempt, undo }), {
      withinMs,
      failed: `said nothing of connecting to ${name}`,
      undo,
    });
    return channelConnection(await channel, lost, name);
  } catch (failure) {
    throw failure instanceof HostError ? failure : refusal(target, failure);
  }
}

function refusal(target: ConnectTarget, cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const story = `Could not connect to ${placeName(target)}: ${reason}`;
  // Not an answer of the host, but ssh2's own.
  if (!(cause instanceof Error) || !('reason' in cause)) return new HostError('host-lost', story, { cause });
  if (cause.reason === PROHIBITED) {
    const hint = 'Its sshd does not allow it: see AllowTcpForwarding, PermitOpen and DisableForwarding.';
    return new HostError('permission-denied', `${story}. ${hint}`, { cause });
  }
  // sshd says the same whether there is no socket, nobody listens on it, or its user may connect to none.
  const hint = 'socket' in target ? '. Nobody listens there, or AllowStreamLocalForwarding forbids it.' : '';
  return new HostError('not-found', story + hint, { cause });
}
