import type { ClientChannel } from 'ssh2';
import { HostError } from '../../host-error.ts';
import type { Connection } from './connection.ts';

/** How long a connection that has ended may take to be gone. */
const GONE_MS = 2_000;

/** Opens a channel by one of the client's methods. Rejects with what ssh2 says when the host refuses, with a `HostError` when the connection is gone. */
export async function openChannel(
  connection: Pick<Connection, 'lost'>,
  open: (callback: (failure: Error | undefined, channel: ClientChannel) => void) => void,
): Promise<ClientChannel> {
  const { lost } = connection;
  lost.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const onLost = (): void => reject(lost.reason);
  lost.addEventListener('abort', onLost, { once: true });
  try {
    open((failure, channel) => {
      if (failure === undefined) resolve(channel);
      else reject(failure);
    });
    return await promise;
  } catch (failure) {
    lost.throwIfAborted();
    if (isEnded(failure)) throw await lossOf(lost);
    throw failure;
  } finally {
    lost.removeEventListener('abort', onLost);
  }
}

/** What ssh2 throws between the end of a connection and its being gone. */
function isEnded(failure: unknown): boolean {
  return failure instanceof Error && failure.message === 'Not connected';
}

async function lossOf(lost: AbortSignal): Promise<unknown> {
  const late = AbortSignal.timeout(GONE_MS);
  const over = AbortSignal.any([lost, late]);
  if (!over.aborted) await new Promise((resolve) => over.addEventListener('abort', resolve, { once: true }));
  return lost.aborted ? lost.reason : new HostError('host-lost', 'The connection has ended.');
}
