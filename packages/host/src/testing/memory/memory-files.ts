import { abortedError, throwIfAborted } from '../../abort.ts';
import type { DirEntry, FileStat, HostFiles, ReadOptions } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { type HostPath, hostPath, parentHostPath, relativeHostPath } from '../../host-path.ts';
import { encodeHostPathBytes } from '../../host-path-bytes.ts';
import { checkByteRange } from '../../option-values.ts';
import {
  type DirectoryNode,
  type FileNode,
  type FileTree,
  ifThere,
  type Locate,
  type Place,
  type TreeNode,
} from './file-tree.ts';
import { watchMemoryPath } from './memory-watch.ts';
import { writeMemoryFile } from './memory-write.ts';

const CHUNK_BYTES = 64 * 1024;
const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4_095;

export interface MemoryFilesOptions {
  readonly tree: FileTree;
  readonly uid: number;
  readonly hostSignal: AbortSignal;
}

/** The files of a memory host. Modes are kept, and not enforced. */
export function createMemoryFiles({ tree, uid, hostSignal }: MemoryFilesOptions): HostFiles {
  const at = (path: HostPath, followLast: boolean): Place => {
    hostSignal.throwIfAborted();
    checkBytes(path);
    return tree.resolve(path, followLast);
  };
  return {
    readFile: async (path, options = {}) => {
      checkByteRange(options);
      return streamFile(present(at(path, true), 'read'), path, options);
    },
    writeFile: async (path, body, options = {}) => await writeMemoryFile(tree, at, { path, body, options }),
    async stat(path, { followLinks = false } = {}) {
      const place = ifThere(() => at(path, followLinks));
      return place?.node && statOf(place.node, uid);
    },
    async *list(path) {
      for (const [name, node] of [...folderAt(at(path, true), 'list').entries]) {
        hostSignal.throwIfAborted();
        yield { name, kind: node.kind } satisfies DirEntry;
      }
    },
    makeDirectory: async (path, { mode } = {}) => {
      checkBytes(path);
      makeFolders(tree, at, path, mode ?? 0o755);
    },
    remove: async (path, { recursive = false } = {}) => {
      if (path === '/') throw new HostError('permission-denied', 'The root of a host is never removed.');
      const place = ifThere(() => at(path, false), ['not-found']);
      if (place?.node === undefined) return;
      if (place.node.kind === 'directory' && place.node.entries.size > 0 && !recursive) {
        throw new HostError('directory-not-empty', `Could not remove ${path}: the folder is not empty.`);
      }
      tree.take(place);
    },
    rename: async (from, to) => renameNode(tree, at(from, false), at(to, false)),
    link: async (path, target, { hard = false } = {}) => {
      checkBytes(target);
      const place = at(path, false);
      if (place.node !== undefined)
        throw new HostError('already-exists', `Could not link ${path}: it is there already.`);
      tree.put(place, hard ? present(at(hostPath(target), false), 'link to') : tree.createLink(target));
    },
    readLink: async (path) => {
      const node = present(at(path, false), 'read the link');
      if (node.kind !== 'symlink')
        throw new HostError('io', `Could not read the link ${path}: it is no link.`);
      return node.target;
    },
    setMode: async (path, mode) => {
      tree.touch(present(at(path, true), 'change the mode of'), { mode });
    },
    setModified: async (path, modifiedMs) => {
      tree.touch(present(at(path, false), 'set the time of'), { modifiedMs });
    },
    canonicalize: async (path, { within } = {}) => {
      const real = at(path, true).path;
      const root = within === undefined ? undefined : at(within, true).path;
      if (root === undefined || relativeHostPath(root, real) !== undefined) return real;
      throw new HostError('outside-root', `${path} leads to ${real}, which is outside of ${root}.`);
    },
    async *watch(path, { signal }) {
      checkBytes(path);
      yield* watchMemoryPath(tree, path, signal, hostSignal);
    },
  };
}

function checkBytes(path: string): void {
  if (path.includes('\0'))
    throw new HostError('invalid-path', `A path on a host cannot hold a NUL byte: ${JSON.stringify(path)}.`);
  if (encodeHostPathBytes(path).length > MAX_PATH_BYTES)
    throw new HostError('invalid-path', `A path on a host has ${MAX_PATH_BYTES} bytes at the most: ${path}.`);
  for (const name of path.split('/')) {
    if (encodeHostPathBytes(name).length > MAX_NAME_BYTES)
      throw new HostError(
        'invalid-path',
        `A name on a host has ${MAX_NAME_BYTES} bytes at the most: ${name}.`,
      );
  }
}

function present(place: Place, attempt: string): TreeNode {
  if (place.node === undefined)
    throw new HostError('not-found', `Could not ${attempt} ${place.path}: there is nothing.`);
  return place.node;
}

function folderAt(place: Place, attempt: string): DirectoryNode {
  const node = present(place, attempt);
  if (node.kind !== 'directory')
    throw new HostError('not-a-directory', `Could not ${attempt} ${place.path}: it is no folder.`);
  return node;
}

function statOf(node: TreeNode, uid: number): FileStat {
  const size =
    node.kind === 'file'
      ? node.bytes.length
      : node.kind === 'symlink'
        ? encodeHostPathBytes(node.target).length
        : 4096;
  return {
    kind: node.kind,
    size,
    mode: node.mode,
    modifiedMs: node.modifiedMs,
    changedMs: node.changedMs,
    identity: `memory:${node.id}`,
    uid,
  };
}

function streamFile(node: TreeNode, path: HostPath, options: ReadOptions): ReadableStream<Uint8Array> {
  throwIfAborted(options.signal, `read ${path}`);
  if (node.kind !== 'file')
    throw new HostError('is-a-directory', `Could not read ${path}: it is a directory.`);
  const file: FileNode = node;
  let position = options.offset ?? 0;
  const end = options.length === undefined ? Number.POSITIVE_INFINITY : position + options.length;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (options.signal?.aborted) return controller.error(abortedError(options.signal, `read ${path}`));
        const chunk = file.bytes.slice(position, Math.min(end, position + CHUNK_BYTES));
        position += chunk.length;
        if (chunk.length > 0) controller.enqueue(chunk);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

function makeFolders(tree: FileTree, at: Locate, path: HostPath, mode: number): void {
  if (path === '/') return;
  if (ifThere(() => at(parentHostPath(path), true), ['not-found'])?.node === undefined) {
    makeFolders(tree, at, parentHostPath(path), 0o755);
  }
  const place = at(path, true);
  if (place.node?.kind === 'directory') return;
  if (place.node !== undefined)
    throw new HostError('already-exists', `Could not create the folder ${path}: a file is there.`);
  tree.put(place, tree.createDirectory(mode));
}

function renameNode(tree: FileTree, from: Place, to: Place): void {
  const attempt = `rename ${from.path} to ${to.path}`;
  const node = present(from, 'rename');
  if (to.node === node) return;
  if (relativeHostPath(from.path, to.path) !== undefined)
    throw new HostError('io', `Could not ${attempt}: it cannot move into itself.`);
  if (to.node?.kind === 'directory') {
    if (node.kind !== 'directory')
      throw new HostError('is-a-directory', `Could not ${attempt}: a folder is there.`);
    if (to.node.entries.size > 0)
      throw new HostError('directory-not-empty', `Could not ${attempt}: the folder is not empty.`);
  } else if (to.node !== undefined && node.kind === 'directory') {
    throw new HostError('not-a-directory', `Could not ${attempt}: a file is there.`);
  }
  tree.take(from);
  tree.put(to, node);
}
