import { type CompactList, createCompactList, type Packing } from './compact-list.ts';
import type { RecordReader } from './record.ts';

/** Values that have a path each, to be found by it. In memory as those of a {@link CompactList}. */
export interface PathList<T> extends Iterable<T> {
  readonly length: number;
  at(position: number): T | undefined;
  /** The last that was added with this path. */
  find(path: string): T | undefined;
  /** Of the one that `find` gives, what is read behind its path: all of it takes longer. */
  findPart<P>(path: string, read: ReadPart<P>): P | undefined;
  /** The bytes of the one that `find` gives, of which `skip` finds the end behind its path. */
  findBytes(path: string, skip: ReadPart<void>): Uint8Array | undefined;
  /** The same of each, in their order. */
  parts<P>(read: ReadPart<P>): Iterable<P>;
}

export type ReadPart<P> = (from: RecordReader) => P;

export interface GrowingPathList<T> extends PathList<T> {
  add(value: T): void;
  /** Adds a value of this path of which another list of the same packing gave the bytes. */
  addBytes(path: string, bytes: Uint8Array): void;
}

interface Pathed {
  readonly path: string;
}

/**
 * A walk gives paths in their order, so that one is found by halving, and the next one beside it. What comes out of that order is found all the same, and takes more memory.
 *
 * @param packing of a value without its path, which it is given again when it is read
 */
export function createPathList<T extends Pathed>(packing: {
  readonly write: Packing<T>['write'];
  readonly read: (from: RecordReader, path: string) => T;
}): GrowingPathList<T> {
  const list = createCompactList<T>({
    write(value, to) {
      to.text(value.path);
      packing.write(value, to);
    },
    read: (from) => packing.read(from, from.text()),
  });
  /** Those from the first that came out of order on. */
  const strays = new Map<string, number>();
  let inOrder = 0;
  let lastPath = '';
  let found = -1;
  let foundPath: string | undefined;

  const pathAt = (position: number): string => list.read(position, (from) => from.text());

  function positionOf(path: string): number | undefined {
    const stray = strays.size === 0 ? undefined : strays.get(path);
    if (stray !== undefined) return stray;
    if (path === foundPath) return found;
    if (found + 1 < inOrder && pathAt(found + 1) === path) return found + 1;
    return halved(path, { length: inOrder, pathAt });
  }

  function enter(path: string): void {
    const isNext = inOrder === list.length && (inOrder === 0 || comparePaths(lastPath, path) < 0);
    if (isNext) {
      inOrder += 1;
      lastPath = path;
    } else strays.set(path, list.length);
  }

  function foundAt(path: string): number | undefined {
    const position = list.length === 0 ? undefined : positionOf(path);
    if (position === undefined) return undefined;
    found = position;
    foundPath = path;
    return position;
  }

  return {
    get length() {
      return list.length;
    },
    at: list.at,
    [Symbol.iterator]: () => list[Symbol.iterator](),
    add(value) {
      enter(value.path);
      list.add(value);
    },
    addBytes(path, bytes) {
      enter(path);
      list.addBytes(bytes);
    },
    findBytes(path, skip) {
      const position = foundAt(path);
      return position === undefined ? undefined : list.bytesAt(position, behindPath(skip));
    },
    find(path) {
      const position = foundAt(path);
      if (position === undefined) return undefined;
      return list.read(
        position,
        behindPath((from) => packing.read(from, path)),
      );
    },
    findPart(path, read) {
      const position = foundAt(path);
      return position === undefined ? undefined : list.read(position, behindPath(read));
    },
    *parts(read) {
      const part = behindPath(read);
      for (let position = 0; position < list.length; position += 1) yield list.read(position, part);
    },
  };
}

function behindPath<P>(read: ReadPart<P>): ReadPart<P> {
  return (from) => {
    from.skipText();
    return read(from);
  };
}

function halved(
  path: string,
  { length, pathAt }: { readonly length: number; readonly pathAt: (position: number) => string },
): number | undefined {
  let from = 0;
  let behind = length;
  while (from < behind) {
    const middle = (from + behind) >>> 1;
    const order = comparePaths(pathAt(middle), path);
    if (order === 0) return middle;
    if (order < 0) from = middle + 1;
    else behind = middle;
  }
  return undefined;
}

const SLASH = 0x2f;

/** The order of a walk: a folder before what is in it, and that before the folder's next neighbour. */
export function comparePaths(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const one = a.charCodeAt(at);
    const other = b.charCodeAt(at);
    if (one !== other) return (one === SLASH ? 0 : one) - (other === SLASH ? 0 : other);
  }
  return a.length - b.length;
}
