import type { FileStat } from '../host.ts';
import type { HostPath } from '../host-path.ts';

export interface WalkOptions {
  /** How many folders deep. 64 by default. */
  readonly maxDepth?: number;
  /** How many entries in all, those left out not counted. 100,000 by default. */
  readonly maxEntries?: number;
  /** How many bytes in all files. No bound by default. */
  readonly maxBytes?: number;
  /** Globs: without a slash they match a name at any depth, with one the path from the root. An excluded folder is not entered. `!` in front of a path from the root keeps it. See `createExclude`. */
  readonly exclude?: readonly string[];
  /**
   * Gives what a link leads to in place of the link. A link that leads nowhere or out of the root is left out then,
   * and a folder that was entered already, by whatever path, is not entered again. `false` by default: a link is an entry of its own.
   */
  readonly followLinks?: boolean;
  /**
   * Hears of each folder of which something is missing, because it may not be listed or entered, or because paths below it are longer than a host takes.
   * Without it the walk fails then, with `permission-denied` or `invalid-path`.
   */
  readonly onUnreadable?: (relativePath: string) => void;
  /** Hears of each entry that `exclude` names, not of what is below it. */
  readonly onExcluded?: (relativePath: string) => void;
  readonly signal?: AbortSignal;
}

export interface WalkEntry {
  /** From the root, without a leading slash. */
  readonly relativePath: string;
  readonly path: HostPath;
  readonly stat: FileStat;
  /** What a symbolic link says, verbatim. */
  readonly target?: string;
}
