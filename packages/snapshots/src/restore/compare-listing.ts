import type { PathList } from '../compact/path-list.ts';
import type { SnapshotEntry } from '../manifest/manifest.ts';
import type { ListedEntry } from '../save/listed-entries.ts';

const PERMISSION_BITS = 0o777;
/** How many differences a message names. */
const NAMED = 5;

/** Whether a listed folder is what a manifest says, in a few words where it is not. Contents are not looked at. */
export function differencesFrom(
  entries: PathList<SnapshotEntry>,
  listed: PathList<ListedEntry>,
): string | undefined {
  const differences: string[] = [];
  for (const entry of entries) {
    const found = listed.find(entry.path);
    const difference = found === undefined ? 'is missing' : differenceOf(entry, found);
    if (difference !== undefined) differences.push(`${JSON.stringify(entry.path)} ${difference}`);
  }
  for (const { path } of listed)
    if (entries.find(path) === undefined) differences.push(`${JSON.stringify(path)} is too much`);
  if (differences.length === 0) return undefined;
  const rest = differences.length > NAMED ? `, and ${differences.length - NAMED} more` : '';
  return `${differences.slice(0, NAMED).join(', ')}${rest}`;
}

function differenceOf(entry: SnapshotEntry, { stat, target }: ListedEntry): string | undefined {
  const kind = entry.kind === 'hard-link' ? 'file' : entry.kind;
  if (stat.kind !== kind) return `is a ${stat.kind}`;
  if (entry.kind === 'hard-link') return undefined;
  if (entry.kind === 'symlink') return target === entry.target ? undefined : 'leads elsewhere';
  if (entry.kind === 'file' && stat.size !== entry.size) return `has ${stat.size} bytes`;
  if ((stat.mode & PERMISSION_BITS) !== entry.mode)
    return `has mode ${(stat.mode & PERMISSION_BITS).toString(8)}`;
  return isSameTime(entry.modifiedMs, stat.modifiedMs) ? undefined : 'has another time';
}

/** Some hosts keep whole seconds only, and one that keeps more may have rounded a last digit. */
function isSameTime(saved: number, found: number): boolean {
  return Math.abs(saved - found) < 0.001 || Math.floor(saved / 1000) * 1000 === found;
}
