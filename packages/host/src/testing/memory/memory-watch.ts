import { createChangeFlag } from '../../change-flag.ts';
import { type HostPath, parentHostPath, relativeHostPath } from '../../host-path.ts';
import { type FileTree, ifThere } from './file-tree.ts';

/** See `Host.watch`. */
export async function* watchMemoryPath(
  tree: FileTree,
  path: HostPath,
  signal: AbortSignal,
  hostSignal: AbortSignal,
): AsyncGenerator<void, void, undefined> {
  const change = createChangeFlag();
  const over = AbortSignal.any([signal, hostSignal]);
  const target = (): HostPath =>
    ifThere(() => tree.resolve(path, true), ['not-found', 'not-a-directory'])?.path ?? path;
  let watched = target();
  const stop = tree.onChange((changed) => {
    const before = watched;
    watched = target();
    const touches = [before, watched, path].some(
      (one) => relativeHostPath(changed, one) !== undefined || parentHostPath(changed) === one,
    );
    if (touches) change.raise();
  });
  over.addEventListener('abort', change.raise, { once: true });
  try {
    while (!over.aborted) {
      yield;
      await change.raised();
    }
  } finally {
    over.removeEventListener('abort', change.raise);
    stop();
  }
  if (!signal.aborted) hostSignal.throwIfAborted();
}
