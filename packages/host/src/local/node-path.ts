import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { decodeHostPathBytes, encodeHostPathBytes } from '../host-path-bytes.ts';

/** `path` as `node:fs` takes it: a string where that says it exactly, else bytes. */
export function nodePath(path: HostPath | string): string | Buffer {
  if (path.includes('\0')) {
    throw new HostError('invalid-path', `A path on a host cannot hold a NUL byte: ${JSON.stringify(path)}.`);
  }
  if (path.isWellFormed()) return path;
  return Buffer.from(encodeHostPathBytes(path));
}

/** What `node:fs` gives with the encoding `buffer`, as the text of a path or name. */
export function fromNodePath(bytes: Uint8Array): string {
  return decodeHostPathBytes(bytes);
}
