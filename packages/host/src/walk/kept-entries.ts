import type { FileStat } from '../host.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import type { WalkEntry } from './walk-entry.ts';

/** A tree of long paths could fill the memory. */
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** Listed entries, in as little memory as there can be 100,000 of, until all are there and can be given in order. */
export interface KeptEntries {
  /** Of a link, `target` is what it says. */
  readonly add: (entry: {
    readonly relativePath: string;
    readonly facts: string;
    readonly target: string;
  }) => void;
  /** Whether there is more than is to be kept. */
  readonly isTooLarge: () => boolean;
  readonly inOrder: (root: HostPath, parse: (facts: string) => FileStat) => Generator<WalkEntry>;
}

interface Kept {
  /** The relative path with NUL in place of each slash: sorted by it, a folder comes before what is in it, and that before the folder's next neighbour. */
  readonly key: string;
  readonly facts: string;
  readonly target: string;
}

export function createKeptEntries(): KeptEntries {
  const kept: Kept[] = [];
  let characters = 0;
  return {
    add({ relativePath, facts, target }) {
      characters += relativePath.length + facts.length + target.length;
      kept.push({ key: relativePath.replaceAll('/', '\0'), facts, target });
    },
    isTooLarge: () => characters > MAX_CHARACTERS,
    *inOrder(root, parse) {
      kept.sort((a, b) => (a.key < b.key ? -1 : 1));
      for (const { key, facts, target } of kept) {
        const relativePath = key.replaceAll('\0', '/');
        const stat = parse(facts);
        const entry = { relativePath, path: joinHostPath(root, relativePath), stat };
        yield stat.kind === 'symlink' ? { ...entry, target } : entry;
      }
    },
  };
}
