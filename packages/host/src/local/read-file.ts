import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { abortedError, throwIfAborted } from '../abort.ts';
import type { ReadOptions } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { checkByteRange } from '../option-values.ts';
import { fileFailure, orFileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

const CHUNK_BYTES = 256 * 1024;

/** Opens a regular file and streams it; nothing is read before it is asked for. */
export async function readLocalFile(
  path: HostPath,
  options: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
  checkByteRange(options);
  const attempt = `read ${path}`;
  throwIfAborted(options.signal, attempt);
  // Without O_NONBLOCK, opening a FIFO that nobody writes to would occupy a thread of the pool for good.
  const handle = await orFileFailure(attempt, () =>
    open(nodePath(path), constants.O_RDONLY | constants.O_NONBLOCK),
  );
  try {
    await refuseOtherThanFile(handle, path);
  } catch (failure) {
    await handle.close();
    throw fileFailure(attempt, failure);
  }
  return streamHandle(handle, attempt, options);
}

async function refuseOtherThanFile(handle: FileHandle, path: HostPath): Promise<void> {
  const stat = await handle.stat();
  if (stat.isDirectory()) throw new HostError('is-a-directory', `Could not read ${path}: it is a directory.`);
  if (!stat.isFile()) {
    throw new HostError('unsupported', `Could not read ${path}: it is a device, pipe or socket, not a file.`);
  }
}

function streamHandle(handle: FileHandle, attempt: string, options: ReadOptions): ReadableStream<Uint8Array> {
  let position = options.offset ?? 0;
  const end = options.length === undefined ? Number.POSITIVE_INFINITY : position + options.length;
  const signal = options.signal;
  const release = async (): Promise<void> => {
    signal?.removeEventListener('abort', onAbort);
    await handle.close();
  };
  let fail: (() => void) | undefined;
  const onAbort = (): void => fail?.();
  const read = async (into: Uint8Array): Promise<number> => {
    const wanted = Math.min(into.byteLength, end - position);
    const { bytesRead } = wanted > 0 ? await handle.read(into, 0, wanted, position) : { bytesRead: 0 };
    position += bytesRead;
    return bytesRead;
  };
  return new ReadableStream({
    // Memory that is new each time costs more than the reading does: who brings some gets that back, filled.
    type: 'bytes',
    start(controller) {
      fail = () => {
        if (signal !== undefined) controller.error(abortedError(signal, attempt));
        void release();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
    },
    async pull(controller) {
      try {
        const request = requestOf(controller);
        const into = bytesOf(request?.view ?? Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - position)));
        const bytes = await read(into);
        if (signal?.aborted) return;
        if (bytes > 0) request?.respond(bytes);
        if (bytes > 0 && request === undefined) controller.enqueue(into.subarray(0, bytes));
        if (bytes > 0 && position < end) return;
        controller.close();
        if (bytes === 0) request?.respond(0);
        await release();
      } catch (failure) {
        if (signal?.aborted) return;
        controller.error(fileFailure(attempt, failure));
        await release();
      }
    },
    cancel: release,
  });
}

/** The memory that the reader brought, if it did. The types of Node 24 know of none. */
function requestOf(controller: ReadableByteStreamController): ReadableStreamBYOBRequest | undefined {
  const request: unknown = controller.byobRequest;
  return request instanceof ReadableStreamBYOBRequest ? request : undefined;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
