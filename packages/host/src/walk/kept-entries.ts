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

/**
 * Between the parts of a kept entry, which is one string: of three with an object around them, each would take as much again. No path has an empty name, and no
 * part a NUL of its own.
 */
const BETWEEN = '\0\0';

export function createKeptEntries(): KeptEntries {
  /**
   * Each begins with the relative path, with NUL in place of each slash: sorted by it, a folder comes before what is in it, and that before the folder's next
   * neighbour.
   */
  let kept: string[] = [];
  let characters = 0;
  return {
    add({ relativePath, facts, target }) {
      characters += relativePath.length + facts.length + target.length;
      // Joined, and not added up: that would keep the parts.
      kept.push([relativePath.replaceAll('/', '\0'), facts, target].join(BETWEEN));
    },
    isTooLarge: () => characters > MAX_CHARACTERS,
    *inOrder(root, parse) {
      // From the end, so that what was given can go.
      const left = kept.sort().reverse();
      kept = [];
      for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
        const [key = '', facts = '', target = ''] = entry.split(BETWEEN);
        const relativePath = key.replaceAll('\0', '/');
        const stat = parse(facts);
        const walked = { relativePath, path: joinHostPath(root, relativePath), stat };
        yield stat.kind === 'symlink' ? { ...walked, target } : walked;
      }
    },
  };
}
