import { throwIfAborted } from './abort.ts';
import { createExclude } from './exclude.ts';
import type { FileStat, HostFiles } from './host.ts';
import { HostError } from './host-error.ts';
import { type HostPath, joinHostPath } from './host-path.ts';

export interface WalkOptions {
  /** How many folders deep. 64 by default. */
  readonly maxDepth?: number;
  /** How many entries in all, those left out not counted. 100,000 by default. */
  readonly maxEntries?: number;
  /** How many bytes in all files. No bound by default. */
  readonly maxBytes?: number;
  /** Globs: without a slash they match a name at any depth, with one the path from the root. An excluded folder is not entered. */
  readonly exclude?: readonly string[];
  /**
   * Gives what a link leads to in place of the link. A link that leads nowhere or out of the root is left out then,
   * and a folder that was entered already, by whatever path, is not entered again. `false` by default: a link is an entry of its own.
   */
  readonly followLinks?: boolean;
  /** Hears of a folder that may not be listed. Without it the walk fails with `permission-denied`. */
  readonly onUnreadable?: (relativePath: string) => void;
  readonly signal?: AbortSignal;
}

export interface WalkEntry {
  /** From the root, without a leading slash. */
  readonly relativePath: string;
  readonly path: HostPath;
  readonly stat: FileStat;
}

const DEFAULT_MAX_DEPTH = 64;
const DEFAULT_MAX_ENTRIES = 100_000;
const STAT_BATCH = 32;

/**
 * Everything below a folder, the folder itself excluded: each folder before what is in it, names in the order of their code units.
 * What disappears meanwhile is left out.
 *
 * @throws {HostError} `limit-exceeded`, `aborted`, and what `Host.list` and `Host.stat` throw.
 */
export async function* walk(
  host: HostFiles,
  root: HostPath,
  options: WalkOptions = {},
): AsyncGenerator<WalkEntry, void, undefined> {
  const folder = await host.stat(root, { followLinks: true });
  if (folder === undefined) throw new HostError('not-found', `Could not walk ${root}: there is nothing.`);
  const state: WalkState = {
    host,
    root,
    options,
    isExcluded: createExclude(options.exclude ?? []),
    budget: createBudget(root, options),
    entered: new Set([folder.identity]),
  };
  yield* walkFolder(state, '', 1);
}

interface WalkState {
  readonly host: HostFiles;
  readonly root: HostPath;
  readonly options: WalkOptions;
  readonly isExcluded: (relativePath: string) => boolean;
  readonly budget: Budget;
  readonly entered: Set<string>;
}

async function* walkFolder(
  state: WalkState,
  folder: string,
  depth: number,
): AsyncGenerator<WalkEntry, void, undefined> {
  const names = await namesIn(state, folder);
  for (let first = 0; first < names.length; first += STAT_BATCH) {
    const batch = names.slice(first, first + STAT_BATCH);
    for (const entry of await Promise.all(batch.map((name) => look(state, name)))) {
      if (entry === undefined) continue;
      throwIfAborted(state.options.signal, `walk ${state.root}`);
      if (entry.stat.kind === 'directory' && !enter(state, entry)) continue;
      state.budget.take(entry);
      yield entry;
      if (entry.stat.kind !== 'directory') continue;
      state.budget.descend(depth);
      yield* walkFolder(state, entry.relativePath, depth + 1);
    }
  }
}

async function namesIn(state: WalkState, folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of state.host.list(joinHostPath(state.root, folder))) {
      throwIfAborted(state.options.signal, `walk ${state.root}`);
      const relativePath = folder === '' ? name : `${folder}/${name}`;
      if (state.isExcluded(relativePath)) continue;
      names.push(relativePath);
      state.budget.refuseMoreThan(names.length);
    }
  } catch (failure) {
    const code = failure instanceof HostError && folder !== '' ? failure.code : undefined;
    const { onUnreadable } = state.options;
    if (code === 'permission-denied' && onUnreadable !== undefined) onUnreadable(folder);
    else if (code !== 'not-found') throw failure;
  }
  return names.sort();
}

async function look(state: WalkState, relativePath: string): Promise<WalkEntry | undefined> {
  const { host, root, options } = state;
  const path = joinHostPath(root, relativePath);
  const stat = await host.stat(path);
  if (stat?.kind !== 'symlink' || !options.followLinks) return stat && { relativePath, path, stat };
  const target = await targetWithin(host, path, root);
  const followed = target && (await host.stat(target));
  return followed && { relativePath, path, stat: followed };
}

async function targetWithin(host: HostFiles, path: HostPath, root: HostPath): Promise<HostPath | undefined> {
  try {
    return await host.canonicalize(path, { within: root });
  } catch (failure) {
    const expected = ['outside-root', 'not-found', 'too-many-links', 'not-a-directory'];
    if (failure instanceof HostError && expected.includes(failure.code)) return undefined;
    throw failure;
  }
}

function enter(state: WalkState, entry: WalkEntry): boolean {
  if (!state.options.followLinks) return true;
  if (state.entered.has(entry.stat.identity)) return false;
  state.entered.add(entry.stat.identity);
  return true;
}

interface Budget {
  readonly take: (entry: WalkEntry) => void;
  readonly descend: (depth: number) => void;
  readonly refuseMoreThan: (entries: number) => void;
}

function createBudget(root: HostPath, options: WalkOptions): Budget {
  const maxDepth = options.maxDepth ?? DEFAULT_MAX_DEPTH;
  const maxEntries = options.maxEntries ?? DEFAULT_MAX_ENTRIES;
  const maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY;
  let entries = 0;
  let bytes = 0;
  const exceeded = (what: string): HostError =>
    new HostError('limit-exceeded', `Stopped to walk ${root}: more than ${what}.`);
  return {
    take({ stat }) {
      entries += 1;
      if (stat.kind === 'file') bytes += stat.size;
      if (entries > maxEntries) throw exceeded(`${maxEntries} entries`);
      if (bytes > maxBytes) throw exceeded(`${maxBytes} bytes`);
    },
    descend(depth) {
      if (depth >= maxDepth) throw exceeded(`${maxDepth} folders deep`);
    },
    refuseMoreThan(count) {
      if (entries + count > maxEntries) throw exceeded(`${maxEntries} entries`);
    },
  };
}
