import { randomBytes } from 'node:crypto';
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises';
import { abortedError, throwIfAborted } from '../abort.ts';
import type { FileBody, WriteOptions } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../host-path.ts';
import { errnoOf, fileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

const DEFAULT_MODE = 0o644;

/** See `Host.writeFile`. The temporary file is named `.seedbed-<random>.tmp`, whatever the name of the file, so that a name of 255 bytes works too. */
export async function writeLocalFile(path: HostPath, body: FileBody, options: WriteOptions): Promise<void> {
  const attempt = `write ${path}`;
  const source = typeof body === 'string' || body instanceof Uint8Array ? undefined : body;
  let temporary: HostPath | undefined;
  try {
    throwIfAborted(options.signal, attempt);
    const mode = options.mode ?? (await modeOfReplaced(path, options));
    if (options.ifAbsent) await refuseExisting(path);
    temporary = joinHostPath(parentHostPath(path), `.seedbed-${randomBytes(8).toString('hex')}.tmp`);
    await fill(temporary, body, mode, options.signal);
    throwIfAborted(options.signal, attempt);
    await publish(temporary, path, options.ifAbsent ?? false);
  } catch (failure) {
    if (temporary !== undefined) await unlink(nodePath(temporary)).catch(() => undefined);
    if (source !== undefined && !source.locked) await source.cancel(failure).catch(() => undefined);
    if (options.signal?.aborted) throw abortedError(options.signal, attempt);
    throw fileFailure(attempt, failure);
  }
}

async function modeOfReplaced(path: HostPath, options: WriteOptions): Promise<number> {
  if (options.ifAbsent) return DEFAULT_MODE;
  try {
    const replaced = await lstat(nodePath(path));
    return replaced.isFile() ? replaced.mode & 0o7777 : DEFAULT_MODE;
  } catch (failure) {
    if (errnoOf(failure) === 'ENOENT') return DEFAULT_MODE;
    throw failure;
  }
}

async function refuseExisting(path: HostPath): Promise<void> {
  const existing = await lstat(nodePath(path)).catch(() => undefined);
  if (existing !== undefined) throw alreadyExists(path);
}

async function fill(
  path: HostPath,
  body: FileBody,
  mode: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const handle = await open(nodePath(path), 'wx', 0o600);
  try {
    if (typeof body === 'string') await handle.writeFile(body, 'utf8');
    else if (body instanceof Uint8Array) await handle.writeFile(body);
    else await body.pipeTo(fileSink(handle), signal === undefined ? {} : { signal });
    await handle.chmod(mode);
  } finally {
    await handle.close();
  }
}

function fileSink(handle: FileHandle): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    async write(chunk) {
      let written = 0;
      while (written < chunk.byteLength) {
        const { bytesWritten } = await handle.write(chunk, written, chunk.byteLength - written);
        written += bytesWritten;
      }
    },
  });
}

async function publish(temporary: HostPath, path: HostPath, ifAbsent: boolean): Promise<void> {
  if (!ifAbsent) {
    await rename(nodePath(temporary), nodePath(path));
    return;
  }
  try {
    await link(nodePath(temporary), nodePath(path));
  } catch (failure) {
    if (errnoOf(failure) === 'EEXIST') throw alreadyExists(path);
    throw failure;
  }
  await unlink(nodePath(temporary));
}

function alreadyExists(path: HostPath): HostError {
  return new HostError(
    'already-exists',
    `Did not write ${path}: it is there already, and the write was to create it.`,
  );
}
