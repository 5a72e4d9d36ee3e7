import { type Host, joinHostPath } from '@seedbed/host';
import { type CacheLayout, isTreeName, newDiscardName } from './cache-layout.ts';
import { hostTime, openIncomingFolder, sweepIncoming } from './incoming-folder.ts';
import { listTreesIn } from './tree-list.ts';
import { discardTree } from './tree-removal.ts';

/** A tree that no entry leads to may still be about to get one, or to be started by who was just given it. */
const orphanMs = 15 * 60_000;

/** Removes what killed installs and replaced entries left behind, once it is old and nothing runs from it. Gives the host's time. */
export async function sweep(
  host: Host,
  layout: CacheLayout,
  signal: AbortSignal = host.signal,
): Promise<number> {
  await using incoming = await openIncomingFolder(host, layout, newDiscardName());
  const nowMs = await hostTime(host, incoming);
  await sweepIncoming(host, layout, nowMs);
  const trees = await listTreesIn(host, layout, signal);
  for (const tree of trees) {
    const isOrphan = tree.entries.length === 0 && !tree.running && nowMs - tree.lastUsedMs > orphanMs;
    if (isOrphan) await discardTree(host, layout, tree.id);
  }
  const known = new Set(trees.map((tree) => tree.id));
  for await (const { name } of host.list(layout.used)) {
    if (!isTreeName(name) || known.has(name)) continue;
    const path = joinHostPath(layout.used, name);
    const found = await host.stat(path);
    if (found !== undefined && nowMs - found.modifiedMs > orphanMs) await host.remove(path);
  }
  return nowMs;
}
