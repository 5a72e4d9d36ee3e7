import { throwIfAborted } from '../abort.ts';
import { createExclude } from '../exclude.ts';
import type { FileStat } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import { decodeHostPathBytes, encodeHostPathBytes } from '../host-path-bytes.ts';
import { parseFindFacts, parseStatFacts } from '../stat-facts.ts';
import { createKeptEntries } from './kept-entries.ts';
import { UNREADABLE } from './listing-script.ts';
import type { ListedEntry, ListingReader } from './tree-listing.ts';
import type { WalkBudget } from './walk-budget.ts';
import type { WalkEntry, WalkOptions } from './walk-entry.ts';

/** Linux's PATH_MAX without the NUL that ends a path. */
const MAX_PATH_BYTES = 4_095;
const SLASH = 0x2f;

/** What of a listing belongs to a walk. */
export interface ListedTree {
  /** Throws what the walk is to fail with. */
  readonly reader: ListingReader;
  /** Whether it has refused to take more, as it would need too much memory. */
  readonly isTooLarge: () => boolean;
  /** In the order of the walk. Tells of what could not be read. */
  readonly entries: () => Iterable<WalkEntry>;
}

export function createListedTree(root: HostPath, options: WalkOptions, budget: WalkBudget): ListedTree {
  const excluded: string[] = [];
  const isLeftOut = createLeftOut(options.exclude ?? [], (path) => void excluded.push(path));
  const kept = createKeptEntries();
  const unreadable = new Set<string>();
  const longestName = MAX_PATH_BYTES - encodeHostPathBytes(joinHostPath(root, 'x')).length + 1;
  let sawUnreadable = false;
  let parse: (facts: string) => FileStat = parseFindFacts;

  const miss = (folder: string, code: 'permission-denied' | 'invalid-path', why: string): void => {
    if (options.onUnreadable === undefined || folder === '') {
      const what = `of its folder ${JSON.stringify(folder)}, ${why}`;
      throw new HostError(code, `Could not walk ${root}: ${what}.`);
    }
    unreadable.add(folder);
  };
  const take = (entry: ListedEntry): void => {
    // BusyBox's find begins every path with the folder that it was given.
    const name = entry.name.subarray(entry.name.indexOf('./') === 0 ? 2 : 0);
    const relativePath = decodeHostPathBytes(name);
    const facts = entry.facts.toString('latin1');
    sawUnreadable ||= facts === UNREADABLE;
    if (isLeftOut(relativePath)) return;
    if (facts === UNREADABLE) {
      miss(relativePath, 'permission-denied', 'it may not be read');
      return;
    }
    if (name.length > longestName) {
      const folder = name.subarray(0, Math.max(0, name.lastIndexOf(SLASH)));
      // What is below one that is too long itself is out of reach with that.
      if (folder.length <= longestName)
        miss(decodeHostPathBytes(folder), 'invalid-path', 'it holds paths that are too long');
      return;
    }
    const stat = parse(facts);
    budget.take(stat);
    if (stat.kind === 'directory') budget.descend(relativePath.split('/').length);
    const target = stat.kind === 'symlink' ? decodeHostPathBytes(entry.target) : '';
    kept.add({ relativePath, facts, target });
    if (kept.isTooLarge()) throw new HostError('limit-exceeded', `${root} is too large to be kept.`);
  };
  return {
    reader: {
      begin(format) {
        parse = format === 'find' ? parseFindFacts : parseStatFacts;
      },
      take(entry) {
        throwIfAborted(options.signal, `walk ${root}`);
        take(entry);
      },
      sawUnreadable: () => sawUnreadable,
    },
    isTooLarge: kept.isTooLarge,
    entries() {
      for (const folder of unreadable) options.onUnreadable?.(folder);
      for (const path of new Set(excluded)) options.onExcluded?.(path);
      return kept.inOrder(root, parse);
    },
  };
}

/** Whether an entry is excluded, or lies in a folder that is; to be asked of a folder before what is in it. */
function createLeftOut(
  exclude: readonly string[],
  tell: (relativePath: string) => void,
): (relativePath: string) => boolean {
  const isExcluded = createExclude(exclude);
  let folder = '';
  return (relativePath) => {
    if (folder !== '' && relativePath.startsWith(folder)) return true;
    folder = isExcluded(relativePath) ? `${relativePath}/` : '';
    if (folder !== '') tell(relativePath);
    return folder !== '';
  };
}
