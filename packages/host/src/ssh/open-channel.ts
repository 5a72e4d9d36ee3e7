import type { ClientChannel } from 'ssh2';
import type { Connection } from './connection.ts';

/** Opens a channel by one of the client's methods. Rejects with what ssh2 says when the host refuses, with a `HostError` when the connection is gone. */
export async function openChannel(
  connection: Pick<Connection, 'lost'>,
  open: (callback: (failure: Error | undefined, channel: ClientChannel) => void) => void,
): Promise<ClientChannel> {
  connection.lost.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<ClientChannel>();
  const onLost = (): void => reject(connection.lost.reason);
  connection.lost.addEventListener('abort', onLost, { once: true });
  try {
    open((failure, channel) => {
      if (failure === undefined) resolve(channel);
      else reject(failure);
    });
    return await promise;
  } catch (failure) {
    connection.lost.throwIfAborted();
    throw failure;
  } finally {
    connection.lost.removeEventListener('abort', onLost);
  }
}
