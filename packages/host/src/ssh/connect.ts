import { abortedError, throwIfAborted } from '../abort.ts';
import { retainOutput, webWritable } from '../byte-streams.ts';
import type { ConnectTarget, HostConnection } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type Connection, openChannel } from './connection.ts';

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED of RFC 4254. */
const PROHIBITED = 1;

/** See `Host.connect`. */
export async function connectRemotely(
  connection: Connection,
  target: ConnectTarget,
  signal: AbortSignal | undefined,
): Promise<HostConnection> {
  const name = 'socket' in target ? target.socket : `port ${target.port} of ${target.address ?? '127.0.0.1'}`;
  const attempt = `connect to ${name}`;
  throwIfAborted(signal, attempt);
  const { client, lost } = connection;
  if ('socket' in target && !target.socket.isWellFormed()) {
    throw new HostError('unsupported', `Could not ${attempt}: its name is not UTF-8.`);
  }
  try {
    const channel = await openChannel(connection, (callback) => {
      if ('socket' in target) client.openssh_forwardOutStreamLocal(target.socket, callback);
      else client.forwardOut('127.0.0.1', 0, target.address ?? '127.0.0.1', target.port, callback);
    });
    if (signal?.aborted) {
      channel.close();
      throw abortedError(signal, attempt);
    }
    const failureAtEnd = (): HostError | undefined => (lost.aborted ? lost.reason : undefined);
    return {
      readable: retainOutput(channel, `read from ${name}`, { failureAtEnd }).stream,
      writable: webWritable(channel, `write to ${name}`),
      async [Symbol.asyncDispose]() {
        channel.close();
      },
    };
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const isProhibited = cause instanceof Error && 'reason' in cause && cause.reason === PROHIBITED;
    throw new HostError(isProhibited ? 'permission-denied' : 'not-found', `Could not ${attempt}: ${reason}`, {
      cause,
    });
  }
}
