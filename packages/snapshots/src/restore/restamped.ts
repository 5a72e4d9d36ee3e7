import type { Manifest, SnapshotEntry } from '../manifest/manifest.ts';
import type { Listing } from '../save/listing.ts';

/** The manifest of a folder that was just restored, with the marks by which its files are recognised as unchanged on this host: the next save reads none of them. */
export function restamped(
  manifest: Manifest,
  listing: Listing,
  { hostLabel, listedMs }: { readonly hostLabel: string; readonly listedMs: number },
): Manifest {
  const there = new Map(listing.entries.map(({ path, stat }) => [path, stat]));
  const entries = manifest.entries.map((entry): SnapshotEntry => {
    const stat = entry.kind === 'file' ? there.get(entry.path) : undefined;
    if (entry.kind !== 'file' || stat === undefined) return entry;
    const { identity, changedMs, modifiedMs } = stat;
    return { ...entry, identity, changedMs, modifiedMs };
  });
  return {
    ...manifest,
    entries,
    host: { ...manifest.host, label: hostLabel },
    newestChangeMs: listing.newestChangeMs,
    listedMs,
    settledMs: 0,
  };
}
