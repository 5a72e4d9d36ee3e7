import { HostError } from '../../host-error.ts';
import { type HostPath, hostPath, hostPathName, parentHostPath } from '../../host-path.ts';

export interface FileNode {
  readonly kind: 'file';
  readonly id: number;
  bytes: Uint8Array;
  mode: number;
  modifiedMs: number;
  changedMs: number;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly id: number;
  readonly entries: Map<string, TreeNode>;
  mode: number;
  modifiedMs: number;
  changedMs: number;
}

export interface LinkNode {
  readonly kind: 'symlink';
  readonly id: number;
  readonly target: string;
  mode: number;
  modifiedMs: number;
  changedMs: number;
}

/** A socket, of which the tree knows no more than that it is there. */
export interface SocketNode {
  readonly kind: 'other';
  readonly id: number;
  mode: number;
  modifiedMs: number;
  changedMs: number;
}

export type TreeNode = FileNode | DirectoryNode | LinkNode | SocketNode;

/** Where a path leads: the folder that it is in, its name there, and what is there. The root has itself as its folder and no name. */
export interface Place {
  readonly path: HostPath;
  readonly folder: DirectoryNode;
  readonly name: string;
  readonly node: TreeNode | undefined;
}

export type Locate = (path: HostPath, followLast: boolean) => Place;

/** A POSIX tree of files in memory. */
export interface FileTree {
  /** @throws {HostError} `not-found`, `not-a-directory` for a segment before the last, `too-many-links`. */
  readonly resolve: (path: HostPath, followLast: boolean) => Place;
  readonly createFile: (bytes: Uint8Array, mode: number) => FileNode;
  readonly createDirectory: (mode: number) => DirectoryNode;
  readonly createLink: (target: string) => LinkNode;
  readonly createSocket: () => SocketNode;
  /** Puts a node at a place, in place of what is there. */
  readonly put: (place: Place, node: TreeNode) => void;
  readonly take: (place: Place) => void;
  /** Changes a node itself, not what it holds. */
  readonly touch: (node: TreeNode, change: { readonly mode?: number; readonly modifiedMs?: number }) => void;
  /** Calls back with the canonical path of each entry that changes. */
  readonly onChange: (listener: (path: HostPath) => void) => () => void;
}

const MAX_LINKS = 40;

export function createFileTree(now: () => number): FileTree {
  let lastId = 0;
  const listeners = new Set<(path: HostPath) => void>();
  const stamp = (
    mode: number,
  ): Pick<TreeNode, 'id'> & { mode: number; modifiedMs: number; changedMs: number } => {
    lastId += 1;
    const time = now();
    return { id: lastId, mode, modifiedMs: time, changedMs: time };
  };
  const root: DirectoryNode = { kind: 'directory', entries: new Map(), ...stamp(0o755) };
  const changed = (place: Place): void => {
    place.folder.modifiedMs = now();
    place.folder.changedMs = place.folder.modifiedMs;
    for (const listener of listeners) listener(place.path);
  };
  return {
    resolve: (path, followLast) => resolvePath(root, path, followLast),
    createFile: (bytes, mode) => ({ kind: 'file', bytes, ...stamp(mode) }),
    createDirectory: (mode) => ({ kind: 'directory', entries: new Map(), ...stamp(mode) }),
    createLink: (target) => ({ kind: 'symlink', target, ...stamp(0o777) }),
    createSocket: () => ({ kind: 'other', ...stamp(0o600) }),
    put(place, node) {
      place.folder.entries.set(place.name, node);
      node.changedMs = now();
      changed(place);
    },
    take(place) {
      place.folder.entries.delete(place.name);
      if (place.node !== undefined) place.node.changedMs = now();
      changed(place);
    },
    touch(node, change) {
      Object.assign(node, change, { changedMs: now() });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function resolvePath(root: DirectoryNode, path: HostPath, followLast: boolean): Place {
  const pending = segmentsOf(path);
  let trail: { readonly name: string; readonly node: DirectoryNode }[] = [];
  let links = 0;
  for (let segment = pending.shift(); segment !== undefined; segment = pending.shift()) {
    if (segment === '..') {
      trail = trail.slice(0, -1);
      continue;
    }
    const folder = trail.at(-1)?.node ?? root;
    const here = hostPath(`/${[...trail.map(({ name }) => name), segment].join('/')}`);
    const node = folder.entries.get(segment);
    const isLast = pending.length === 0;
    if (node?.kind === 'symlink' && (followLast || !isLast)) {
      links += 1;
      if (links > MAX_LINKS)
        throw new HostError('too-many-links', `${path} passes more than ${MAX_LINKS} links.`);
      if (node.target.startsWith('/')) trail = [];
      pending.unshift(...segmentsOf(node.target));
      continue;
    }
    if (isLast) return { path: here, folder, name: segment, node };
    if (node === undefined) throw new HostError('not-found', `${here} is not there, on the way to ${path}.`);
    if (node.kind !== 'directory')
      throw new HostError('not-a-directory', `${here} is no folder, on the way to ${path}.`);
    trail = [...trail, { name: segment, node }];
  }
  const last = trail.at(-1);
  if (last === undefined) return { path: hostPath('/'), folder: root, name: '', node: root };
  const found = hostPath(`/${trail.map(({ name }) => name).join('/')}`);
  const folder = resolvePath(root, parentHostPath(found), true).node;
  if (folder?.kind !== 'directory') throw new HostError('not-found', `${path} is not there.`);
  return { path: found, folder, name: hostPathName(found), node: last.node };
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '' && segment !== '.');
}

/** What `look` finds, `undefined` when it fails with one of the codes. */
export function ifThere<T>(
  look: () => T,
  codes: readonly string[] = ['not-found', 'not-a-directory'],
): T | undefined {
  try {
    return look();
  } catch (failure) {
    if (failure instanceof HostError && codes.includes(failure.code)) return undefined;
    throw failure;
  }
}
