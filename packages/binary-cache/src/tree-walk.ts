import { type FileStat, type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { CacheLimits } from './cache-limits.ts';
import { isPlainRelativePath } from './release.ts';

export interface WalkedTree {
  /** By path relative to the folder. */
  readonly files: ReadonlyMap<string, FileStat>;
  readonly directories: ReadonlyMap<string, FileStat>;
  readonly bytes: number;
}

/**
 * Everything below a folder of the host.
 *
 * @throws {BinaryCacheError} `unsafe-archive` when there is anything but plain files and folders with plain names; `limit-exceeded`.
 */
export async function walkTree(
  host: Host,
  root: HostPath,
  limits: Pick<CacheLimits, 'maxEntries' | 'maxTreeBytes'>,
): Promise<WalkedTree> {
  const files = new Map<string, FileStat>();
  const directories = new Map<string, FileStat>();
  let bytes = 0;
  const pending = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const names: string[] = [];
    for await (const entry of host.list(joinHostPath(root, folder))) {
      names.push(folder === '' ? entry.name : `${folder}/${entry.name}`);
      if (files.size + directories.size + names.length > limits.maxEntries)
        throw tooMuch(root, `${limits.maxEntries} entries`);
    }
    for (const [path, found] of await statAll(host, root, names)) {
      if (found?.kind === 'directory' && isPlainRelativePath(path)) {
        directories.set(path, found);
        pending.push(path);
      } else if (found?.kind === 'file' && isPlainRelativePath(path)) {
        files.set(path, found);
        bytes += found.size;
      } else {
        throw new BinaryCacheError(
          'unsafe-archive',
          `${JSON.stringify(`${root}/${path}`)} is neither a plain file nor a folder.`,
        );
      }
    }
    if (bytes > limits.maxTreeBytes) throw tooMuch(root, `${limits.maxTreeBytes} bytes`);
  }
  return { files, directories, bytes };
}

/** Looks at many paths at once: what a distant host answers in one round trip. */
export async function statAll(
  host: Pick<Host, 'stat'>,
  root: HostPath,
  paths: readonly string[],
): Promise<Map<string, FileStat | undefined>> {
  const found = new Map<string, FileStat | undefined>();
  const pending = [...paths];
  const worker = async (): Promise<void> => {
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      found.set(path, await host.stat(joinHostPath(root, path)));
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return found;
}

function tooMuch(root: HostPath, limit: string): BinaryCacheError {
  return new BinaryCacheError(
    'limit-exceeded',
    `${root} holds more than ${limit}, the most that the cache takes.`,
  );
}
