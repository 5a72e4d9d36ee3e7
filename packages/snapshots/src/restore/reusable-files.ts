import { type Host, type HostPath, hashFiles } from '@seedbed/host';
import type { PathList } from '../compact/path-list.ts';
import type { FileEntry, SnapshotEntry } from '../manifest/manifest.ts';
import { filesOfSeveralNames } from '../save/file-names.ts';
import type { ListedEntry } from '../save/listed-entries.ts';

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
    readonly entries: Iterable<SnapshotEntry>;
    readonly listed: PathList<ListedEntry>;
    readonly signal?: AbortSignal;
  },
): Promise<ReadonlyMap<string, ListedEntry>> {
  const shared = new Set<string>();
  for (const each of entries) if (each.kind === 'hard-link') shared.add(each.target);
  const several = filesOfSeveralNames(listed);
  const candidates: { readonly entry: FileEntry; readonly found: ListedEntry }[] = [];
  for (const entry of entries) {
    if (entry.kind !== 'file' || shared.has(entry.path)) continue;
    const found = listed.find(entry.path);
    if (found !== undefined && isAlike(entry, found) && !several.has(found.stat.identity))
      candidates.push({ entry, found });
  }
  const same = new Map<string, ListedEntry>();
  if (candidates.length === 0) return same;
  const asked = candidates.map(({ entry }) => ({ relativePath: entry.path }));
  const answers = hashFiles(host, folder, asked, signal && { signal });
  try {
    for (const { entry, found } of candidates) {
      const { value } = await answers.next();
      if (value?.sha256 === entry.digest) same.set(entry.path, found);
    }
  } finally {
    // The file of the last answer is open until then.
    await answers.return();
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
