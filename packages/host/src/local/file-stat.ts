import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import type { FileKind, FileStat } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { errnoOf, fileFailure } from './file-failure.ts';
import { nodePath } from './node-path.ts';

/** See `Host.stat`. */
export async function statLocalFile(path: HostPath, followLinks: boolean): Promise<FileStat | undefined> {
  try {
    const found = await (followLinks ? stat : lstat)(nodePath(path), { bigint: true });
    return {
      kind: fileKind(found),
      size: Number(found.size),
      mode: Number(found.mode & 0o7777n),
      modifiedMs: Number(found.mtimeNs) / 1e6,
      changedMs: Number(found.ctimeNs) / 1e6,
      identity: `${found.dev}:${found.ino}`,
      uid: Number(found.uid),
    };
  } catch (failure) {
    const errno = errnoOf(failure);
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw fileFailure(`look at ${path}`, failure);
  }
}

export function fileKind(
  entry: Pick<BigIntStats | Dirent, 'isFile' | 'isDirectory' | 'isSymbolicLink'>,
): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'symlink' : 'other';
}
