import { throwIfAborted } from './abort.ts';
import type { Host, HostFiles } from './host.ts';
import type { HostPath } from './host-path.ts';
import { walkByCommand } from './walk/walk-by-command.ts';
import { walkByFolders } from './walk/walk-by-folders.ts';
import type { WalkEntry, WalkOptions } from './walk/walk-entry.ts';

export type { WalkEntry, WalkOptions } from './walk/walk-entry.ts';

/**
 * Everything below a folder, the folder itself excluded: each folder before what is in it, names in the order of their code units.
 * What disappears meanwhile is left out.
 *
 * A host with a shell and find(1) (GNU's or BusyBox's) lists it with one command; then nothing comes before all is listed, and memory is bounded by
 * `maxEntries`. Otherwise, and with `followLinks`, each folder and each entry costs an operation.
 *
 * @throws {HostError} `limit-exceeded`, `aborted`, and what `Host.list` and `Host.stat` throw.
 */
export async function* walk(
  host: HostFiles | Host,
  root: HostPath,
  options: WalkOptions = {},
): AsyncGenerator<WalkEntry, void, undefined> {
  throwIfAborted(options.signal, `walk ${root}`);
  const listed =
    'spawn' in host && !options.followLinks ? await walkByCommand(host, root, options) : undefined;
  for await (const entry of listed ?? walkByFolders(host, root, options)) {
    throwIfAborted(options.signal, `walk ${root}`);
    yield entry;
  }
}
