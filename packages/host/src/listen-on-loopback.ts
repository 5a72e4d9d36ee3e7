import type { Server } from 'node:net';
import { HostError } from './host-error.ts';

/**
 * Has a server listen on a free loopback port of this machine, and gives the port.
 *
 * @throws {HostError} `io` when this machine gives none.
 */
export async function listenOnLoopback(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Later it tells of a connection that could not be taken, which its maker sees.
  server.on('error', (cause) => {
    reject(new HostError('io', `Could not listen on a loopback port: ${cause.message}`, { cause }));
  });
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new HostError('io', 'The loopback listener has no port.');
  return address.port;
}
