import { throwIfAborted } from '../abort.ts';
import { plainExcludes } from '../exclude.ts';
import type { Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { createListedTree } from './listed-tree.ts';
import { listTree } from './tree-listing.ts';
import { createWalkBudget } from './walk-budget.ts';
import type { WalkEntry, WalkOptions } from './walk-entry.ts';

/** How often a listing is begun anew that was cut off. Each time a connection has broken since. */
const MAX_REPEATS = 5;
const MAX_LISTED_DEPTH = 1_000_000;

/**
 * Walks with one command on the host, where it has the tools for that: see `walk`. What it lists is kept until all of it is there. Links are not followed.
 *
 * @returns `undefined` where the host has no such tools or cannot say for certain what there is, or where there is too much to be kept.
 */
export async function walkByCommand(
  host: Host,
  root: HostPath,
  options: WalkOptions,
): Promise<Iterable<WalkEntry> | undefined> {
  const { signal } = options;
  for (let repeats = 0; ; repeats += 1) {
    const budget = createWalkBudget(root, options);
    const tree = createListedTree(root, options, budget);
    try {
      const end = await listTree(host, root, {
        maxDepth: Math.min(Math.max(budget.maxDepth, 1), MAX_LISTED_DEPTH),
        without: plainExcludes(options.exclude ?? []),
        listsExcluded: options.onExcluded !== undefined,
        reader: tree.reader,
        ...(signal && { signal }),
      });
      return end === 'complete' ? tree.entries() : undefined;
    } catch (failure) {
      throwIfAborted(signal, `walk ${root}`);
      if (tree.isTooLarge()) return undefined;
      const isLost = failure instanceof HostError && failure.code === 'host-lost' && !host.signal.aborted;
      if (!isLost || repeats === MAX_REPEATS) throw failure;
    }
  }
}
