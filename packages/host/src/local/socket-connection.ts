import type { Socket } from 'node:net';
import { retainOutput, webWritable } from '../byte-streams.ts';
import type { HostConnection } from '../host.ts';
import { HostError } from '../host-error.ts';

/** `name` is the other end's, for messages. */
export function socketConnection(socket: Socket, name: string): HostConnection {
  let isClosedHere = false;
  const failureAtEnd = (): HostError | undefined =>
    isClosedHere
      ? new HostError('aborted', `The connection with ${name} was closed on this side.`)
      : undefined;
  const reset = (): void => {
    isClosedHere = true;
    // A Unix socket knows no reset, and has no port.
    if (socket.remotePort === undefined) socket.destroy();
    else socket.resetAndDestroy();
  };
  return {
    readable: retainOutput(socket, `read from ${name}`, { failureAtEnd, sharesChannel: true }).stream,
    writable: webWritable(socket, `write to ${name}`, reset),
    async [Symbol.asyncDispose]() {
      isClosedHere = true;
      socket.destroy();
    },
  };
}
