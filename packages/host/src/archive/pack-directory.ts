import { throwIfAborted } from '../abort.ts';
import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { type WalkEntry, walk } from '../walk.ts';
import { packWithTar, type UnreadableName } from './gnu-tar.ts';
import { type HostTar, tarOf } from './host-tar.ts';
import { joinChunks } from './join-chunks.ts';
import { packByContents, packByFiles } from './pack-by-files.ts';
import { type PackOptions, type PackSource, walkOptions } from './pack-options.ts';

/**
 * A folder as a tar archive: files, folders, symbolic and hard links, with their permission bits (without setuid, setgid and sticky)
 * and times; without owners. Links are packed as links. A file that grows or shrinks meanwhile is packed with the size that it had at first.
 * The host's own tools do the reading where they are GNU's or BusyBox's, in a few round trips. Memory is bounded by `maxEntries`, not by the size of the files.
 *
 * Failures error the stream: with what `walk` and `Host.readFile` throw.
 */
export function packDirectory(
  host: HostFiles | Host,
  path: HostPath,
  options: PackOptions = {},
): ReadableStream<Uint8Array> {
  return ReadableStream.from(packed(host, path, options));
}

async function* packed(
  host: HostFiles | Host,
  path: HostPath,
  options: PackOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(options.signal, `pack ${path}`);
  const machine = 'spawn' in host ? host : undefined;
  const tree = begun(walk(host, path, walkOptions(options)));
  const [folder, tar] = await Promise.all([
    host.stat(path, { followLinks: true }),
    machine && tarOf(machine),
  ]);
  if (folder === undefined) throw new HostError('not-found', `Could not pack ${path}: there is nothing.`);
  const root: WalkEntry = { relativePath: '.', path, stat: folder };
  const source: PackSource = { root, tree, options };
  for await (const chunk of joinChunks(chunksOf({ host, machine, tar }, source))) {
    throwIfAborted(options.signal, `pack ${path}`);
    yield chunk;
  }
}

/** Asks for the first item at once, while other questions to the host are under way. */
function begun<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  const first = items.next();
  // Met by whoever takes it; without a folder nobody does.
  first.catch(() => undefined);
  return (async function* () {
    const { value, done } = await first;
    if (done) return;
    yield value;
    yield* items;
  })();
}

interface Packer {
  readonly host: HostFiles;
  /** The same, where it can run commands. */
  readonly machine: Host | undefined;
  readonly tar: HostTar | undefined;
}

function chunksOf(
  { host, machine, tar }: Packer,
  source: PackSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (machine !== undefined && tar === 'gnu') {
    const names = packedNames(source);
    return packWithTar(machine, source.root.path, names, (unreadable) => report(unreadable, source.options));
  }
  if (machine !== undefined && tar === 'busybox') return packByContents(machine, source);
  return packByFiles(host, source);
}

async function* packedNames({ root, tree, options }: PackSource): AsyncGenerator<string, void, undefined> {
  yield root.relativePath;
  for await (const { relativePath, stat } of tree) {
    if (stat.kind === 'other') options.onSkip?.(relativePath, 'special');
    else yield relativePath;
  }
}

function report({ name, reason }: UnreadableName, { onSkip }: PackOptions): void {
  if (reason === 'unreadable' && onSkip === undefined) {
    throw new HostError('permission-denied', `Could not pack ${JSON.stringify(name)}: it may not be read.`);
  }
  onSkip?.(name, reason);
}
