import { abortedError, throwIfAborted } from '../../abort.ts';
import type { FileBody, WriteOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import type { HostPath } from '../../host-path.ts';
import type { FileTree, Locate, Place } from './file-tree.ts';

export interface MemoryWrite {
  readonly path: HostPath;
  readonly body: FileBody;
  readonly options: WriteOptions;
}

/** See `Host.writeFile`. The file changes at once, when all of it is there. */
export async function writeMemoryFile(
  tree: FileTree,
  at: Locate,
  { path, body, options }: MemoryWrite,
): Promise<void> {
  const attempt = `write ${path}`;
  const check = (): Place => {
    throwIfAborted(options.signal, attempt);
    const place = at(path, false);
    if (place.node?.kind === 'directory')
      throw new HostError('is-a-directory', `Could not ${attempt}: it is a folder.`);
    if (options.ifAbsent && place.node !== undefined) {
      throw new HostError(
        'already-exists',
        `Did not write ${path}: it is there already, and the write was to create it.`,
      );
    }
    return place;
  };
  let bytes: Uint8Array;
  try {
    check();
    bytes = await bytesOf(body, options.signal);
  } catch (failure) {
    if (body instanceof ReadableStream && !body.locked) await body.cancel(failure).catch(() => undefined);
    if (options.signal?.aborted) throw abortedError(options.signal, attempt);
    throw failure instanceof HostError
      ? failure
      : new HostError('io', `Could not ${attempt}: its source failed.`, { cause: failure });
  }
  const place = check();
  const mode = options.mode ?? (place.node?.kind === 'file' ? place.node.mode : 0o644);
  tree.put(place, tree.createFile(bytes, mode));
}

async function bytesOf(body: FileBody, signal: AbortSignal | undefined): Promise<Uint8Array> {
  if (typeof body === 'string') return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body.slice();
  const chunks: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      chunks.push(chunk.slice());
    },
  });
  await body.pipeTo(sink, signal === undefined ? {} : { signal });
  return Buffer.concat(chunks);
}
