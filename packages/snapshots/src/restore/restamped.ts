import { createEntryList } from '../compact/entry-list.ts';
import type { Manifest, SnapshotEntry } from '../manifest/manifest.ts';
import type { Listing } from '../save/listing.ts';

/** The manifest of a folder that was just restored, with the marks by which its files are recognised as unchanged on this host: the next save reads none of them. */
export function restamped(
  manifest: Manifest,
  listing: Listing,
  { hostLabel, listedMs }: { readonly hostLabel: string; readonly listedMs: number },
): Manifest {
  const restampedEntry = (entry: SnapshotEntry): SnapshotEntry => {
    const stat = entry.kind === 'file' ? listing.entries.find(entry.path)?.stat : undefined;
    if (entry.kind !== 'file' || stat === undefined) return entry;
    const { identity, changedMs, modifiedMs } = stat;
    return { ...entry, identity, changedMs, modifiedMs };
  };
  const entries = createEntryList();
  for (const entry of manifest.entries) entries.add(restampedEntry(entry));
  return {
    ...manifest,
    entries,
    restoredOn: hostLabel,
    newestChangeMs: listing.newestChangeMs,
    listedMs,
    settledMs: 0,
  };
}
