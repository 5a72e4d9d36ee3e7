import type { Writable } from 'node:stream';

/** What waits here waits before everything that is asked later, and takes memory. The system's own buffers keep a fast link busy. */
const MAX_UNSENT_BYTES = 256 * 1024;

/** Resolves when little enough waits in a stream that it may be given more; also when it is gone. */
export async function drained(stream: Writable): Promise<void> {
  while (stream.writableLength > MAX_UNSENT_BYTES && !stream.destroyed) {
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.once('drain', resolve);
    stream.once('close', resolve);
    await promise;
    stream.off('drain', resolve);
    stream.off('close', resolve);
  }
}
