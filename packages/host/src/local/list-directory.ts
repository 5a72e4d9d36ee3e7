import { opendir } from 'node:fs/promises';
import type { DirEntry } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { fileFailure } from './file-failure.ts';
import { fileKind } from './file-stat.ts';
import { fromNodePath, nodePath } from './node-path.ts';

/** Node takes `buffer` here, which its types do not say; names come as bytes then. */
const BYTE_NAMES = { encoding: 'buffer' as BufferEncoding, bufferSize: 256 };

/** See `Host.list`. */
export async function* listLocalDirectory(path: HostPath): AsyncGenerator<DirEntry, void, undefined> {
  try {
    for await (const entry of await opendir(nodePath(path), BYTE_NAMES)) {
      const name: string | Uint8Array = entry.name;
      yield { name: typeof name === 'string' ? name : fromNodePath(name), kind: fileKind(entry) };
    }
  } catch (failure) {
    throw fileFailure(`list ${path}`, failure);
  }
}
