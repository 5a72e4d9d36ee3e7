import { type HostPath, hostPath, relativeHostPath } from '@seedbed/host';
import type { FileAccess } from './policy.ts';

/** An entry of a policy on a host. */
export interface BoundEntry {
  readonly access: FileAccess;
  readonly kind: 'path' | 'glob';
  /** Absolute; of a glob, the whole pattern. */
  readonly path: string;
  /** What it comes from, for messages: a setting of the policy, or the part of the binding that implies it. */
  readonly setting: string;
}

/** What the entries give on one path, globs aside: the longest entry that contains it decides. */
export function accessAt(entries: readonly BoundEntry[], path: HostPath): FileAccess | 'none' {
  return nearestEntry(entries, path)?.access ?? 'none';
}

/** The longest entry on a path that contains this one. */
export function nearestEntry(entries: readonly BoundEntry[], path: HostPath): BoundEntry | undefined {
  let nearest: BoundEntry | undefined;
  for (const entry of entries) {
    if (entry.kind === 'glob' || relativeHostPath(hostPath(entry.path), path) === undefined) continue;
    if (nearest === undefined || entry.path.length > nearest.path.length) nearest = entry;
  }
  return nearest;
}

/** Whether commands may read whatever the host's user may, except what is denied. */
export function grantsRoot(entries: readonly BoundEntry[]): boolean {
  return entries.some(({ access, kind, path }) => kind === 'path' && path === '/' && access !== 'deny');
}
