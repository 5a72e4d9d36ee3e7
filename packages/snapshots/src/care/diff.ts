import type { Manifest, SnapshotEntry } from '../manifest/manifest.ts';

export interface SnapshotDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** What of a path that is in both differs. */
  readonly changed: readonly { readonly path: string; readonly what: readonly ChangeOfEntry[] }[];
}

export type ChangeOfEntry = 'kind' | 'content' | 'mode' | 'target' | 'time';

/** What changed from one snapshot to another. A folder whose time changed because of what is in it is not named. */
export function diffManifests(from: Manifest, to: Manifest): SnapshotDiff {
  const added: string[] = [];
  const changed: { path: string; what: readonly ChangeOfEntry[] }[] = [];
  for (const entry of to.entries) {
    const old = from.entries.find(entry.path);
    if (old === undefined) added.push(entry.path);
    else {
      const what = changesOf(old, entry);
      if (what.length > 0) changed.push({ path: entry.path, what });
    }
  }
  const removed: string[] = [];
  for (const { path } of from.entries) if (to.entries.find(path) === undefined) removed.push(path);
  return { added, removed, changed };
}

function changesOf(a: SnapshotEntry, b: SnapshotEntry): readonly ChangeOfEntry[] {
  if (a.kind !== b.kind) return ['kind'];
  const changes: ChangeOfEntry[] = [];
  if (a.kind === 'file' && b.kind === 'file') {
    if (a.digest !== b.digest) changes.push('content');
    if (a.mode !== b.mode) changes.push('mode');
    if (changes.length === 0 && a.modifiedMs !== b.modifiedMs) changes.push('time');
  }
  if (a.kind === 'directory' && b.kind === 'directory' && a.mode !== b.mode) changes.push('mode');
  const hasTarget = 'target' in a && 'target' in b;
  if (hasTarget && a.target !== b.target) changes.push('target');
  return changes;
}
