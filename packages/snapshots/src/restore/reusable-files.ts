import { type Host, type HostPath, hashFiles } from '@seedbed/host';
import type { FileEntry, SnapshotEntry } from '../manifest/manifest.ts';
import type { ListedEntry } from '../save/listing.ts';

const PERMISSION_BITS = 0o777;

/**
 * Files that are on the host as the snapshot has them, by content as well, as digests made there say. Files with several names are not among them: their
 * names are restored together.
 */
export async function reusableFiles(
  host: Host,
  folder: HostPath,
  {
    entries,
    listed,
    signal,
  }: {
    readonly entries: readonly SnapshotEntry[];
    readonly listed: readonly ListedEntry[];
    readonly signal?: AbortSignal;
  },
): Promise<ReadonlyMap<string, ListedEntry>> {
  const there = new Map(listed.map((each) => [each.path, each]));
  const shared = new Set(entries.flatMap((each) => (each.kind === 'hard-link' ? [each.target] : [])));
  const names = new Map<string, number>();
  for (const { stat } of listed)
    if (stat.kind === 'file') names.set(stat.identity, (names.get(stat.identity) ?? 0) + 1);
  const candidates: { readonly entry: FileEntry; readonly found: ListedEntry }[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'file' || shared.has(entry.path)) continue;
    const found = there.get(entry.path);
    if (found !== undefined && isAlike(entry, found) && names.get(found.stat.identity) === 1)
      candidates.push({ entry, found });
  }
  const same = new Map<string, ListedEntry>();
  if (candidates.length === 0) return same;
  const asked = candidates.map(({ entry }) => ({ relativePath: entry.path }));
  const answers = hashFiles(host, folder, asked, signal && { signal });
  for (const { entry, found } of candidates) {
    const { value } = await answers.next();
    if (value?.sha256 === entry.digest) same.set(entry.path, found);
  }
  return same;
}

function isAlike(entry: FileEntry, { stat }: ListedEntry): boolean {
  return (
    stat.kind === 'file' &&
    stat.size === entry.size &&
    (stat.mode & PERMISSION_BITS) === entry.mode &&
    stat.modifiedMs === entry.modifiedMs
  );
}
