import type { WalkEntry, WalkOptions } from '../walk.ts';

export type SkipReason = 'special' | 'unreadable' | 'gone';

export interface PackOptions {
  /** Globs: without a slash they match a name at any depth, with one the path from the folder. */
  readonly exclude?: readonly string[];
  /** 100,000 by default. */
  readonly maxEntries?: number;
  /** Of all files together. No bound by default. */
  readonly maxBytes?: number;
  readonly maxDepth?: number;
  /**
   * Hears of what was left out besides `exclude`: `special` (a device, pipe or socket), `gone` (it disappeared meanwhile), `unreadable` (it may not be read, or
   * something below it has too long a path). Without it, something unreadable fails the packing with `permission-denied` or `invalid-path`.
   */
  readonly onSkip?: (relativePath: string, reason: SkipReason) => void;
  readonly signal?: AbortSignal;
}

/** What is to be packed: a folder, and all below it in order. */
export interface PackSource {
  readonly root: WalkEntry;
  readonly tree: AsyncIterable<WalkEntry>;
  readonly options: PackOptions;
}

export function walkOptions({ onSkip, ...limits }: PackOptions): WalkOptions {
  if (onSkip === undefined) return limits;
  return { ...limits, onUnreadable: (relativePath) => onSkip(relativePath, 'unreadable') };
}
