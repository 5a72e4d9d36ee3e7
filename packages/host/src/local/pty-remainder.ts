import { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** More than the kernel keeps of what a terminal was to show. */
const MOST_LEFT_BYTES = 1024 * 1024;

/**
 * Has what an ended process has left in its terminal read to the end. node-pty destroys the socket 200 ms after the end, whatever is still unread: on a program that
 * stood still for so long, and is then late for both, that would come first. What goes on writing after the end is cut off all the same.
 */
export function readBeforeDestruction(terminal: object): void {
  const socket: unknown = Reflect.get(terminal, '_socket');
  if (!(socket instanceof Socket)) return;
  const destroy = socket.destroy.bind(socket);
  const readAndDestroy = async (): Promise<void> => {
    const most = socket.bytesRead + MOST_LEFT_BYTES;
    let before: number;
    do {
      before = socket.bytesRead;
      socket.resume();
      // One turn of the event loop, in which what there is comes.
      await setImmediate();
    } while (socket.bytesRead > before && socket.bytesRead < most);
    destroy();
  };
  let isAsked = false;
  socket.destroy = (failure) => {
    if (failure !== undefined) return destroy(failure);
    if (!isAsked) void readAndDestroy();
    isAsked = true;
    return socket;
  };
}
