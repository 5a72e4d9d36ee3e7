import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { abortedError, throwIfAborted } from '../abort.ts';
import type { ReadOptions } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { fileFailure, orFileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

const CHUNK_BYTES = 256 * 1024;

/** Opens a regular file and streams it; nothing is read before it is asked for. */
export async function readLocalFile(
  path: HostPath,
  options: ReadOptions,
): Promise<ReadableStream<Uint8Array>> {
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
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = () => {
          if (signal !== undefined) controller.error(abortedError(signal, attempt));
          void release();
        };
        signal?.addEventListener('abort', onAbort, { once: true });
      },
      async pull(controller) {
        try {
          const wanted = Math.min(CHUNK_BYTES, end - position);
          const buffer = Buffer.allocUnsafeSlow(wanted);
          const { bytesRead } =
            wanted > 0 ? await handle.read(buffer, 0, wanted, position) : { bytesRead: 0 };
          if (signal?.aborted) return;
          position += bytesRead;
          if (bytesRead > 0) controller.enqueue(buffer.subarray(0, bytesRead));
          if (bytesRead === 0 || position >= end) {
            controller.close();
            await release();
          }
        } catch (failure) {
          if (signal?.aborted) return;
          controller.error(fileFailure(attempt, failure));
          await release();
        }
      },
      cancel: release,
    },
    { highWaterMark: 0 },
  );
}
