import { type Host, HostError, joinHostPath } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { type CacheLayout, entryName, linkTarget, newDiscardName } from './cache-layout.ts';
import { hostFailure } from './host-failure.ts';
import type { InstalledTree } from './tree-install.ts';
import { readLinkIfThere } from './tree-list.ts';
import { type Lookup, lookUp, type Wanted } from './tree-lookup.ts';
import { discardTree } from './tree-removal.ts';

/**
 * Links the entry to a new tree. Of several that install the same at the same time the first wins; the others discard theirs
 * and use the winner's. A damaged entry is switched over in one step: there is no moment without an entry.
 * The damaged tree itself stays until nothing runs from it.
 */
export async function publishTree(
  host: Host,
  layout: CacheLayout,
  wanted: Wanted,
  options: { readonly installed: InstalledTree; readonly signal: AbortSignal },
): Promise<InstalledTree> {
  const { installed, signal } = options;
  const entry = joinHostPath(
    layout.entries,
    entryName(wanted.release, wanted.artifact, host, wanted.evidence),
  );
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        await host.link(entry, linkTarget(installed.name));
        return installed;
      } catch (error) {
        if (!(error instanceof HostError) || error.code !== 'already-exists') throw error;
      }
      const other = await lookUp(host, layout, wanted, { depth: 'facts', signal });
      if (other.kind === 'intact') {
        await discardTree(host, layout, installed.name);
        return other;
      }
      if (other.kind === 'damaged' && (await replaceEntry(host, layout, entry, { other, installed })))
        return installed;
    }
  } catch (error) {
    throw hostFailure(
      error,
      `Entering ${wanted.release.name} ${wanted.release.version} into the cache`,
      signal,
    );
  }
  throw new BinaryCacheError(
    'install-failed',
    `${entry} keeps changing; something else writes to the cache.`,
  );
}

/** `false` when it has changed meanwhile, so that one must look again. */
async function replaceEntry(
  host: Host,
  layout: CacheLayout,
  entry: Parameters<Host['rename']>[1],
  { other, installed }: { other: Extract<Lookup, { kind: 'damaged' }>; installed: InstalledTree },
): Promise<boolean> {
  const aside = joinHostPath(layout.incoming, newDiscardName());
  if (other.target === undefined) {
    // Not a link, and a link cannot be renamed over a folder.
    await host.rename(entry, aside).catch(ignoreMissing);
    return false;
  }
  // An eviction takes the entry away before the tree.
  if ((await readLinkIfThere(host, entry)) !== other.target) return false;
  await host.link(aside, linkTarget(installed.name));
  await host.rename(aside, entry);
  return true;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof HostError && error.code === 'not-found')) throw error;
}
