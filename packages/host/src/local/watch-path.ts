import { type FSWatcher, watch } from 'node:fs';
import { type ChangeFlag, createChangeFlag } from '../change-flag.ts';
import { type HostPath, hostPathName, parentHostPath } from '../host-path.ts';
import { encodeHostPathBytes } from '../host-path-bytes.ts';
import { statLocalFile } from './file-stat.ts';
import { nodePath } from './node-path.ts';

/** How often is looked where the kernel does not tell: its watches are used up, or the file system has none. */
const POLL_MS = 500;

export interface LocalWatchOptions {
  readonly signal: AbortSignal;
  readonly hostSignal: AbortSignal;
  /** What asks the kernel to watch. Where it throws, the path is looked at now and then. */
  readonly watchWith?: typeof watch;
}

/**
 * See `Host.watch`. Watches what is at the path, and the folder that holds it or the nearest one that would;
 * a replaced file or folder is noticed in the folder above, and the watches move on to the new one before the item is given.
 */
export async function* watchLocalPath(
  path: HostPath,
  { signal, hostSignal, watchWith = watch }: LocalWatchOptions,
): AsyncGenerator<void, void, undefined> {
  const change = createChangeFlag();
  const watches = new Map<HostPath, Watch>();
  const over = AbortSignal.any([signal, hostSignal]);
  over.addEventListener('abort', change.raise, { once: true });
  try {
    while (!over.aborted) {
      const complete = await moveWatches(path, watches, (place) =>
        startWatch(place, change.raise, watchWith),
      );
      const seen = complete ? '' : await signature(path);
      yield;
      if (complete) await change.raised();
      else await changedOrPolled(path, seen, change.raised, over);
    }
  } finally {
    over.removeEventListener('abort', change.raise);
    for (const { watcher } of watches.values()) watcher?.close();
  }
  if (!signal.aborted) hostSignal.throwIfAborted();
}

interface Watch {
  readonly identity: string;
  /** Missing where the kernel refused to watch. */
  readonly watcher?: FSWatcher;
}

/** A place to watch, and the one name in it that matters when not all do. */
interface Place {
  readonly path: HostPath;
  readonly identity: string;
  readonly name?: string;
}

/** Puts the watches where the path leads now. Gives `false` when the kernel does not watch all of it. */
async function moveWatches(
  path: HostPath,
  watches: Map<HostPath, Watch>,
  start: (place: Place) => Watch,
): Promise<boolean> {
  for (;;) {
    const places = await placesOf(path);
    for (const [at, { identity, watcher }] of watches) {
      if (places.some((place) => place.path === at && place.identity === identity)) continue;
      watcher?.close();
      watches.delete(at);
    }
    const missing = places.filter((place) => !watches.has(place.path));
    // Looked again after each move: what came into being before its watch was there would go unnoticed.
    if (missing.length === 0) return [...watches.values()].every(({ watcher }) => watcher !== undefined);
    for (const place of missing) watches.set(place.path, start(place));
  }
}

async function placesOf(path: HostPath): Promise<Place[]> {
  const places: Place[] = [];
  const own = await statLocalFile(path, true);
  if (own !== undefined) places.push({ path, identity: own.identity });
  let below = path;
  while (below !== '/') {
    const folder = parentHostPath(below);
    const found = await statLocalFile(folder, true);
    if (found?.kind === 'directory') {
      places.push({ path: folder, identity: found.identity, name: hostPathName(below) });
      break;
    }
    below = folder;
  }
  return places;
}

function startWatch(place: Place, raise: () => void, watchWith: typeof watch): Watch {
  const wanted = place.name === undefined ? undefined : Buffer.from(encodeHostPathBytes(place.name));
  // The kernel reports a folder's own removal or move under the folder's name.
  const itself = Buffer.from(encodeHostPathBytes(hostPathName(place.path)));
  try {
    const watcher = watchWith(nodePath(place.path), { encoding: 'buffer' }, (_event, name) => {
      if (wanted === undefined || name === null || wanted.equals(name) || itself.equals(name)) raise();
    });
    watcher.on('error', raise);
    return { identity: place.identity, watcher };
  } catch {
    return { identity: place.identity };
  }
}

async function changedOrPolled(
  path: HostPath,
  seen: string,
  raised: ChangeFlag['raised'],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await raised(POLL_MS);
    if (signal.aborted || (await signature(path)) !== seen) return;
  }
}

async function signature(path: HostPath): Promise<string> {
  const found = await statLocalFile(path, true);
  return found === undefined ? '' : `${found.identity} ${found.size} ${found.modifiedMs} ${found.mode}`;
}
