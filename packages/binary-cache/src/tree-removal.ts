import { type Host, HostError, joinHostPath } from '@seedbed/host';
import { type CacheLayout, newDiscardName } from './cache-layout.ts';
import { openIncomingFolder } from './incoming-folder.ts';

/**
 * Takes a tree out of reach in one step, then removes it. Killed in between, a sweep finishes it.
 *
 * `isStillFree` is asked once it is out of reach: when the answer is no, the tree is put back, and the result is `false`.
 * Where it fails the tree is put back as well, and its failure passed on.
 */
export async function discardTree(
  host: Host,
  layout: CacheLayout,
  name: string,
  isStillFree: (path: ReturnType<typeof joinHostPath>) => Promise<boolean> = async () => true,
): Promise<boolean> {
  const tree = joinHostPath(layout.trees, name);
  await using incoming = await openIncomingFolder(host, layout, newDiscardName());
  const aside = joinHostPath(incoming.path, 'tree');
  try {
    await host.rename(tree, aside);
  } catch (error) {
    if (error instanceof HostError && error.code === 'not-found') return true;
    throw error;
  }
  let isFree = false;
  try {
    isFree = await isStillFree(aside);
  } finally {
    // Also when nobody could tell: the end of the folder would take along what may be in use.
    if (!isFree) await host.rename(aside, tree);
  }
  if (!isFree) return false;
  await host.remove(joinHostPath(layout.used, name));
  await host.remove(aside, { recursive: true });
  return true;
}
