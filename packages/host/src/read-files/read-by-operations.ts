import { throwIfAborted } from '../abort.ts';
import type { HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import {
  type FileRange,
  type FileReading,
  nothingOf,
  type ReadFilesOptions,
  type ReadStatus,
  readingOf,
} from './file-reading.ts';

/** Reads with the file operations of any host, two for each file. See `readFiles`. */
export async function* readByOperations(
  host: HostFiles,
  root: HostPath,
  { files, signal }: ReadFilesOptions & { readonly files: AsyncIterable<FileRange> },
): AsyncGenerator<FileReading, void, undefined> {
  const folder = await host.canonicalize(root);
  if ((await host.stat(folder)) === undefined)
    throw new HostError('not-found', `Could not read files of ${root}: there is nothing.`);
  for await (const range of files) {
    throwIfAborted(signal, `read files of ${root}`);
    const opened = await open(host, folder, { range, signal });
    if (typeof opened === 'string') {
      yield nothingOf(range, opened);
      continue;
    }
    const { reading, close } = readingOf(range, opened);
    try {
      yield reading;
    } finally {
      await close();
    }
  }
}

async function open(
  host: HostFiles,
  folder: HostPath,
  { range, signal }: { readonly range: FileRange; readonly signal: AbortSignal | undefined },
): Promise<AsyncGenerator<Uint8Array, void, undefined> | Exclude<ReadStatus, 'read'>> {
  const path = joinHostPath(folder, range.relativePath);
  try {
    const stat = await host.stat(path);
    if (stat === undefined) return 'gone';
    if (stat.kind !== 'file') return 'not-a-file';
    if ((await host.canonicalize(path)) !== path) return 'gone';
    const { offset = 0, length } = range;
    const stream = await host.readFile(path, { offset, length, ...(signal && { signal }) });
    return (async function* () {
      yield* stream;
    })();
  } catch (failure) {
    const status = failure instanceof HostError ? STATUSES[failure.code] : undefined;
    if (status === undefined) throw failure;
    return status;
  }
}

const STATUSES: Partial<Record<HostError['code'], Exclude<ReadStatus, 'read'>>> = {
  'not-found': 'gone',
  'not-a-directory': 'gone',
  'too-many-links': 'gone',
  'invalid-path': 'gone',
  'permission-denied': 'unreadable',
  'is-a-directory': 'not-a-file',
  unsupported: 'not-a-file',
};
