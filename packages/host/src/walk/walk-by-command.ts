import { throwIfAborted } from '../abort.ts';
import { createExclude, plainExcludes } from '../exclude.ts';
import type { FileStat, Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import { decodeHostPathBytes } from '../host-path-bytes.ts';
import { parseFindFacts, parseStatFacts } from '../stat-facts.ts';
import { UNREADABLE } from './listing-script.ts';
import { type ListedEntry, type ListingReader, listTree } from './tree-listing.ts';
import { createWalkBudget } from './walk-budget.ts';
import type { WalkEntry, WalkOptions } from './walk-entry.ts';

/** Linux's PATH_MAX without the NUL that ends a path. */
const MAX_PATH_BYTES = 4_095;
/** How often a listing is begun anew that was cut off. Each time a connection has broken since. */
const MAX_REPEATS = 5;
/** A tree of long paths is not kept: the folders are walked one after the other, as they are given. */
const MAX_KEPT_CHARACTERS = 64 * 1024 * 1024;
const MAX_LISTED_DEPTH = 1_000_000;

/**
 * Walks with one command on the host, where it has the tools for that: see `walk`. What it lists is kept until all of it is there: links are not followed,
 * and names come in order.
 *
 * @returns `undefined` where the host has no such tools, or cannot say for certain what there is.
 */
export async function walkByCommand(
  host: Host,
  root: HostPath,
  options: WalkOptions,
): Promise<Iterable<WalkEntry> | undefined> {
  for (let repeats = 0; ; repeats += 1) {
    const collected = createCollector(root, options);
    const { signal } = options;
    try {
      const end = await listTree(host, root, {
        maxDepth: Math.min(Math.max(collected.maxDepth, 1), MAX_LISTED_DEPTH),
        without: plainExcludes(options.exclude ?? []),
        reader: collected.reader,
        ...(signal && { signal }),
      });
      return end === 'complete' ? collected.entries() : undefined;
    } catch (failure) {
      throwIfAborted(signal, `walk ${root}`);
      if (collected.isTooLarge()) return undefined;
      const isLost = failure instanceof HostError && failure.code === 'host-lost' && !host.signal.aborted;
      if (!isLost || repeats === MAX_REPEATS) throw failure;
    }
  }
}

/** An entry in as little memory as there can be 100,000 of. */
interface Kept {
  /** The relative path with NUL in place of each slash: sorted by it, a folder comes before what is in it, and that before the folder's next neighbour. */
  readonly key: string;
  readonly facts: string;
  readonly target: string;
}

interface Collector {
  readonly maxDepth: number;
  /** Whether it has refused to take more. */
  readonly isTooLarge: () => boolean;
  readonly reader: ListingReader;
  readonly entries: () => Iterable<WalkEntry>;
}

function createCollector(root: HostPath, options: WalkOptions): Collector {
  const isExcluded = createExclude(options.exclude ?? []);
  const budget = createWalkBudget(root, options);
  const kept: Kept[] = [];
  const unreadable = new Set<string>();
  let sawUnreadable = false;
  let characters = 0;
  const longestName = MAX_PATH_BYTES - Buffer.byteLength(joinHostPath(root, 'x')) + 1;
  let parse: (facts: string) => FileStat = parseFindFacts;
  let left = '';
  /** The folder that was left out last, while entries below it come. */
  const isLeftOut = (relativePath: string): boolean => {
    if (left !== '' && relativePath.startsWith(left)) return true;
    left = isExcluded(relativePath) ? `${relativePath}/` : '';
    return left !== '';
  };
  const miss = (folder: string, failure: () => HostError): void => {
    if (options.onUnreadable === undefined || folder === '') throw failure();
    unreadable.add(folder);
  };
  const take = ({ facts, name, target }: ListedEntry): void => {
    const path = name.subarray(name.indexOf('./') === 0 ? 2 : 0);
    const relativePath = decodeHostPathBytes(path);
    const said = facts.toString('latin1');
    sawUnreadable ||= said === UNREADABLE;
    if (isLeftOut(relativePath)) return;
    if (said === UNREADABLE) {
      miss(relativePath, () => cannot(root, relativePath, 'permission-denied', 'it may not be read'));
    } else if (path.length > longestName) {
      const folder = relativePath.slice(0, Math.max(0, relativePath.lastIndexOf('/')));
      // The folder of the first that is too long; those below it are beyond reach with it.
      if (Buffer.byteLength(folder) > longestName) return;
      miss(folder, () => cannot(root, folder, 'invalid-path', 'it holds paths that are too long'));
    } else {
      const stat = parse(said);
      budget.take(stat);
      if (stat.kind === 'directory') budget.descend(relativePath.split('/').length);
      const says = stat.kind === 'symlink' ? decodeHostPathBytes(target) : '';
      characters += relativePath.length + said.length + says.length;
      if (characters > MAX_KEPT_CHARACTERS)
        throw new HostError('limit-exceeded', `${root} is too large to be kept.`);
      kept.push({ key: relativePath.replaceAll('/', '\0'), facts: said, target: says });
    }
  };
  return {
    maxDepth: budget.maxDepth,
    isTooLarge: () => characters > MAX_KEPT_CHARACTERS,
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
    entries() {
      for (const folder of unreadable) options.onUnreadable?.(folder);
      kept.sort((a, b) => (a.key < b.key ? -1 : 1));
      return inOrder(root, kept, parse);
    },
  };
}

function* inOrder(
  root: HostPath,
  kept: readonly Kept[],
  parse: (facts: string) => FileStat,
): Generator<WalkEntry> {
  for (const { key, facts, target } of kept) {
    const relativePath = key.replaceAll('\0', '/');
    const stat = parse(facts);
    const entry = { relativePath, path: joinHostPath(root, relativePath), stat };
    yield stat.kind === 'symlink' ? { ...entry, target } : entry;
  }
}

function cannot(
  root: HostPath,
  folder: string,
  code: 'permission-denied' | 'invalid-path',
  why: string,
): HostError {
  return new HostError(code, `Could not walk ${root}: of its folder ${JSON.stringify(folder)}, ${why}.`);
}
