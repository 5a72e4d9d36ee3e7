import { throwIfAborted } from '../abort.ts';
import { createExclude } from '../exclude.ts';
import type { HostFiles } from '../host.ts';
import { HostError, type HostErrorCode } from '../host-error.ts';
import { type HostPath, joinHostPath } from '../host-path.ts';
import { createWalkBudget, type WalkBudget } from './walk-budget.ts';
import type { WalkEntry, WalkOptions } from './walk-entry.ts';

const STAT_BATCH = 32;

/** Walks with the file operations of any host: one for each folder, and one for each entry. See `walk`. */
export async function* walkByFolders(
  host: HostFiles,
  root: HostPath,
  options: WalkOptions,
): AsyncGenerator<WalkEntry, void, undefined> {
  const folder = await host.stat(root, { followLinks: true });
  if (folder === undefined) throw new HostError('not-found', `Could not walk ${root}: there is nothing.`);
  const state: WalkState = {
    host,
    root,
    options,
    isExcluded: createExclude(options.exclude ?? []),
    budget: createWalkBudget(root, options),
    entered: new Set([folder.identity]),
  };
  yield* walkFolder(state, '', 1);
}

interface WalkState {
  readonly host: HostFiles;
  readonly root: HostPath;
  readonly options: WalkOptions;
  readonly isExcluded: (relativePath: string) => boolean;
  readonly budget: WalkBudget;
  readonly entered: Set<string>;
}

async function* walkFolder(
  state: WalkState,
  folder: string,
  depth: number,
): AsyncGenerator<WalkEntry, void, undefined> {
  const { names, isReadable } = await namesIn(state, folder);
  let isTold = !isReadable;
  for (let first = 0; first < names.length; first += STAT_BATCH) {
    const batch = names.slice(first, first + STAT_BATCH);
    for (const entry of await Promise.all(batch.map((name) => look(state, name)))) {
      throwIfAborted(state.options.signal, `walk ${state.root}`);
      if (entry === undefined) continue;
      if (entry instanceof HostError) {
        if (!isTold) tellUnreadable(state, folder, entry);
        isTold = true;
        continue;
      }
      if (entry.stat.kind === 'directory' && !enter(state, entry)) continue;
      state.budget.take(entry.stat);
      yield entry;
      if (entry.stat.kind !== 'directory') continue;
      state.budget.descend(depth);
      yield* walkFolder(state, entry.relativePath, depth + 1);
    }
  }
}

async function namesIn(
  state: WalkState,
  folder: string,
): Promise<{ readonly names: readonly string[]; readonly isReadable: boolean }> {
  const names: string[] = [];
  let isReadable = true;
  try {
    for await (const { name } of state.host.list(joinHostPath(state.root, folder))) {
      throwIfAborted(state.options.signal, `walk ${state.root}`);
      const relativePath = folder === '' ? name : `${folder}/${name}`;
      if (state.isExcluded(relativePath)) {
        state.options.onExcluded?.(relativePath);
        continue;
      }
      names.push(relativePath);
      state.budget.refuseMoreThan(names.length);
    }
  } catch (failure) {
    if (folder === '' || !hasCode(failure, ['not-found', ...OUT_OF_REACH])) throw failure;
    if (failure.code !== 'not-found') {
      tellUnreadable(state, folder, failure);
      isReadable = false;
    }
  }
  return { names: names.sort(), isReadable };
}

/** What a path that cannot be looked at fails with. */
const OUT_OF_REACH: readonly HostErrorCode[] = ['permission-denied', 'invalid-path'];

function hasCode(failure: unknown, codes: readonly HostErrorCode[]): failure is HostError {
  return failure instanceof HostError && codes.includes(failure.code);
}

function tellUnreadable({ options }: WalkState, folder: string, failure: HostError): void {
  if (options.onUnreadable === undefined || folder === '') throw failure;
  options.onUnreadable(folder);
}

async function look(state: WalkState, relativePath: string): Promise<WalkEntry | HostError | undefined> {
  const { host, root, options } = state;
  const path = joinHostPath(root, relativePath);
  try {
    const stat = await host.stat(path);
    if (stat?.kind !== 'symlink') return stat && { relativePath, path, stat };
    if (!options.followLinks) return { relativePath, path, stat, target: await host.readLink(path) };
    const leadsTo = await targetWithin(host, path, root);
    const followed = leadsTo && (await host.stat(leadsTo));
    return followed && { relativePath, path, stat: followed };
  } catch (failure) {
    if (hasCode(failure, OUT_OF_REACH)) return failure;
    if (hasCode(failure, ['not-found'])) return undefined;
    throw failure;
  }
}

async function targetWithin(host: HostFiles, path: HostPath, root: HostPath): Promise<HostPath | undefined> {
  try {
    return await host.canonicalize(path, { within: root });
  } catch (failure) {
    if (hasCode(failure, ['outside-root', 'not-found', 'too-many-links', 'not-a-directory']))
      return undefined;
    throw failure;
  }
}

function enter(state: WalkState, entry: WalkEntry): boolean {
  if (!state.options.followLinks) return true;
  if (state.entered.has(entry.stat.identity)) return false;
  state.entered.add(entry.stat.identity);
  return true;
}
