import { type Host, type HostPath, joinHostPath } from '@seedbed/host';
import { type CacheLayout, findLayout, linkTarget, treeNameOf } from './cache-layout.ts';
import { sweep } from './cache-sweep.ts';
import { hostFailure } from './host-failure.ts';
import type { Release } from './release.ts';
import { runningPrograms } from './running-programs.ts';
import { type ListedTree, listTreesIn, readLinkIfThere } from './tree-list.ts';
import { discardTree } from './tree-removal.ts';
import { lastUsedMs } from './use-marker.ts';

export interface EvictionOptions {
  /** Remove the longest unused until the trees together have no more bytes than this. */
  readonly maxBytes?: number;
  /** Remove what was not handed out for so long, in milliseconds. */
  readonly maxAgeMs?: number;
  /** Releases that stay whatever their age and size. */
  readonly keep?: readonly Pick<Release, 'name' | 'version'>[];
  /** What was handed out less long ago than this stays: its program may just be starting. In milliseconds; one hour unless given. */
  readonly graceMs?: number;
  readonly signal?: AbortSignal;
}

export interface EvictionReport {
  readonly removed: readonly ListedTree[];
  /** What should have gone, but is in use or to be kept. */
  readonly spared: readonly ListedTree[];
  /** Of the trees that are left. */
  readonly bytes: number;
}

interface EvictionRun {
  readonly host: Host;
  readonly layout: CacheLayout;
  readonly nowMs: number;
  readonly graceMs: number;
  readonly signal: AbortSignal;
}

const hourMs = 60 * 60 * 1000;
const nothing: EvictionReport = { removed: [], spared: [], bytes: 0 };

export async function evictTrees(
  host: Host,
  directory: HostPath,
  options: EvictionOptions,
): Promise<EvictionReport> {
  const { maxBytes = Number.POSITIVE_INFINITY, maxAgeMs = Number.POSITIVE_INFINITY, keep = [] } = options;
  return withCache(host, directory, options, async (run) => {
    const trees = [...(await listTreesIn(host, run.layout, run.signal))].sort(
      (a, b) => a.lastUsedMs - b.lastUsedMs,
    );
    let bytes = trees.reduce((sum, tree) => sum + tree.bytes, 0);
    const removed: ListedTree[] = [];
    const spared: ListedTree[] = [];
    for (const tree of trees) {
      if (bytes <= maxBytes && run.nowMs - tree.lastUsedMs <= maxAgeMs) continue;
      const isKept = keep.some(
        ({ name, version }) => name === tree.release?.name && version === tree.release.version,
      );
      if (!isKept && (await takeOut(run, tree))) {
        removed.push(tree);
        bytes -= tree.bytes;
      } else {
        spared.push(tree);
      }
    }
    return { removed, spared, bytes };
  });
}

export async function removeRelease(
  host: Host,
  directory: HostPath,
  release: Release,
  signal?: AbortSignal,
): Promise<EvictionReport> {
  // Asked for by name, so that only what really runs is spared.
  return withCache(
    host,
    directory,
    { graceMs: 0, ...(signal === undefined ? {} : { signal }) },
    async (run) => {
      const trees = await listTreesIn(host, run.layout, run.signal);
      const removed: ListedTree[] = [];
      const spared: ListedTree[] = [];
      for (const tree of trees) {
        if (tree.release?.name !== release.name || tree.release.version !== release.version) continue;
        ((await takeOut(run, tree)) ? removed : spared).push(tree);
      }
      const gone = new Set(removed);
      return {
        removed,
        spared,
        bytes: trees.reduce((sum, tree) => sum + (gone.has(tree) ? 0 : tree.bytes), 0),
      };
    },
  );
}

async function withCache(
  host: Host,
  directory: HostPath,
  { graceMs = hourMs, signal = host.signal }: Pick<EvictionOptions, 'graceMs' | 'signal'>,
  work: (run: EvictionRun) => Promise<EvictionReport>,
): Promise<EvictionReport> {
  try {
    const layout = await findLayout(host, directory);
    if (layout === undefined) return nothing;
    const nowMs = await sweep(host, layout, signal);
    return await work({ host, layout, nowMs, graceMs, signal });
  } catch (error) {
    throw hostFailure(error, `Evicting from the cache in ${directory}`, signal);
  }
}

/**
 * Removes a tree unless it is in use. Who was given it at the same moment finds it gone, or gets it back:
 * it is first moved out of reach, then looked at again.
 */
async function takeOut(run: EvictionRun, tree: ListedTree): Promise<boolean> {
  const { host, layout, nowMs, graceMs, signal } = run;
  if (tree.running || nowMs - tree.lastUsedMs < graceMs) return false;
  for (const name of tree.entries) {
    const entry = joinHostPath(layout.entries, name);
    if (treeNameOf(await readLinkIfThere(host, entry)) === tree.id) await host.remove(entry);
  }
  try {
    const removed = await discardTree(host, layout, tree.id, async (aside) => {
      const [used, isRunning] = await Promise.all([
        lastUsedMs(host, layout, tree.id),
        runningPrograms(host, signal),
      ]);
      return !isRunning(aside) && (used === undefined || used <= tree.lastUsedMs);
    });
    if (!removed) await enterAgain(run, tree);
    return removed;
  } catch (error) {
    await enterAgain(run, tree).catch(() => undefined);
    throw error;
  }
}

/** Gives a tree its entries back, if it was put back itself. */
async function enterAgain({ host, layout }: EvictionRun, tree: ListedTree): Promise<void> {
  if ((await host.stat(joinHostPath(layout.trees, tree.id))) === undefined) return;
  for (const name of tree.entries) {
    // Meanwhile somebody may have installed it anew.
    await host.link(joinHostPath(layout.entries, name), linkTarget(tree.id)).catch(() => undefined);
  }
}
