import { type Host, HostError, type HostPath, joinHostPath } from '@seedbed/host';
import { type CacheLayout, findLayout, isTreeName, treeNameOf } from './cache-layout.ts';
import { hostFailure } from './host-failure.ts';
import { runningPrograms } from './running-programs.ts';
import { readManifest } from './tree-lookup.ts';
import { lastUsedMs } from './use-marker.ts';

export interface ListedTree {
  /** The name of its folder. */
  readonly id: string;
  readonly path: HostPath;
  /** `undefined` for a tree without a readable manifest. */
  readonly release: { readonly name: string; readonly version: string } | undefined;
  /** Of its files; 0 without a manifest. */
  readonly bytes: number;
  /** Milliseconds since the epoch on the host's clock: when it was handed out last, or else installed. */
  readonly lastUsedMs: number;
  /** A program that lies in it runs right now. */
  readonly running: boolean;
  /** The names of the entries that lead to it. Without any it was replaced, or its install was killed before the end. */
  readonly entries: readonly string[];
}

export async function listTrees(
  host: Host,
  directory: HostPath,
  signal: AbortSignal = host.signal,
): Promise<readonly ListedTree[]> {
  try {
    const layout = await findLayout(host, directory);
    return layout === undefined ? [] : await listTreesIn(host, layout, signal);
  } catch (error) {
    throw hostFailure(error, `Listing the cache in ${directory}`, signal);
  }
}

export async function listTreesIn(
  host: Host,
  layout: CacheLayout,
  signal: AbortSignal,
): Promise<readonly ListedTree[]> {
  const [entries, isRunning] = await Promise.all([readEntries(host, layout), runningPrograms(host, signal)]);
  const trees: ListedTree[] = [];
  for await (const { name, kind } of host.list(layout.trees)) {
    if (kind !== 'directory' || !isTreeName(name)) continue;
    const path = joinHostPath(layout.trees, name);
    const [manifest, used, found] = await Promise.all([
      readManifest(host, path),
      lastUsedMs(host, layout, name),
      host.stat(path),
    ]);
    if (found === undefined) continue;
    trees.push({
      id: name,
      path,
      release: manifest === undefined ? undefined : { name: manifest.name, version: manifest.version },
      bytes: manifest?.bytes ?? 0,
      lastUsedMs: used ?? found.modifiedMs,
      running: isRunning(path),
      entries: entries.get(name) ?? [],
    });
  }
  return trees;
}

/** The entries that lead to each tree. */
async function readEntries(host: Host, layout: CacheLayout): Promise<Map<string, string[]>> {
  const entries = new Map<string, string[]>();
  for await (const { name, kind } of host.list(layout.entries)) {
    if (kind !== 'symlink') continue;
    const tree = treeNameOf(await readLinkIfThere(host, joinHostPath(layout.entries, name)));
    if (tree !== undefined) entries.set(tree, [...(entries.get(tree) ?? []), name]);
  }
  return entries;
}

export async function readLinkIfThere(host: Host, path: HostPath): Promise<string> {
  try {
    return await host.readLink(path);
  } catch (error) {
    if (error instanceof HostError && error.code === 'not-found') return '';
    throw error;
  }
}
