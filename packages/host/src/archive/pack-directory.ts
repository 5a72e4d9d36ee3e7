import { throwIfAborted } from '../abort.ts';
import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { type WalkEntry, type WalkOptions, walk } from '../walk.ts';
import { hasGnuTar, packWithTar, type UnreadableName } from './gnu-tar.ts';
import { joinChunks } from './join-chunks.ts';
import { paddingOf, type TarEntry } from './tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from './tar-header.ts';

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
   * Hears of what was left out besides `exclude`: `special` (a device, pipe or socket), `gone` (it disappeared meanwhile), `unreadable`.
   * Without it, something unreadable fails the packing with `permission-denied`.
   */
  readonly onSkip?: (relativePath: string, reason: SkipReason) => void;
  readonly signal?: AbortSignal;
}

const PERMISSION_BITS = 0o777;

/**
 * A folder as a tar archive: files, folders, symbolic and hard links, with their permission bits (without setuid, setgid and sticky)
 * and times; without owners. Links are packed as links. A file that grows or shrinks meanwhile is packed with the size that it had at first.
 * The host's own GNU tar does the reading where there is one. Memory is bounded by `maxEntries`, not by the size of the files.
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
  const folder = await host.stat(path, { followLinks: true });
  if (folder === undefined) throw new HostError('not-found', `Could not pack ${path}: there is nothing.`);
  const root: WalkEntry = { relativePath: '.', path, stat: folder };
  if ('spawn' in host && (await hasGnuTar(host))) {
    const names = packedNames(host, root, options);
    for await (const chunk of packWithTar(host, path, names, (unreadable) => report(unreadable, options))) {
      throwIfAborted(options.signal, `pack ${path}`);
      yield chunk;
    }
  } else {
    yield* joinChunks(packByFiles(host, root, options));
  }
}

async function* packedNames(
  host: HostFiles,
  root: WalkEntry,
  options: PackOptions,
): AsyncGenerator<string, void, undefined> {
  yield root.relativePath;
  for await (const { relativePath, stat } of walk(host, root.path, walkOptions(options))) {
    if (stat.kind === 'other') options.onSkip?.(relativePath, 'special');
    else yield relativePath;
  }
}

function walkOptions({ onSkip, ...limits }: PackOptions): WalkOptions {
  if (onSkip === undefined) return limits;
  return { ...limits, onUnreadable: (relativePath) => onSkip(relativePath, 'unreadable') };
}

function report({ name, reason }: UnreadableName, { onSkip }: PackOptions): void {
  if (reason === 'unreadable' && onSkip === undefined) {
    throw new HostError('permission-denied', `Could not pack ${JSON.stringify(name)}: it may not be read.`);
  }
  onSkip?.(name, reason);
}

async function* packByFiles(
  host: HostFiles,
  root: WalkEntry,
  options: PackOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeTarHeader(tarEntry(root, { kind: 'directory' }));
  const firstNames = new Map<string, string>();
  for await (const found of walk(host, root.path, walkOptions(options))) {
    yield* packEntry(host, found, { firstNames, options });
  }
  yield encodeTarEnd();
}

interface Packing {
  /** By identity, the name under which a file was packed. */
  readonly firstNames: Map<string, string>;
  readonly options: PackOptions;
}

async function* packEntry(
  host: HostFiles,
  found: WalkEntry,
  packing: Packing,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { onSkip, signal } = packing.options;
  let opened: Opened | SkipReason;
  try {
    opened = await openEntry(host, found, packing.firstNames, signal);
  } catch (failure) {
    opened = skipReason(failure, onSkip !== undefined);
  }
  if (typeof opened === 'string') {
    onSkip?.(found.relativePath, opened);
    return;
  }
  const { header, body } = opened;
  try {
    yield encodeTarHeader(header);
    if (body !== undefined) yield* exactly(body, header.size);
  } finally {
    if (body !== undefined && !body.locked) await body.cancel();
  }
}

interface Opened {
  readonly header: TarEntry;
  readonly body?: ReadableStream<Uint8Array>;
}

async function openEntry(
  host: HostFiles,
  found: WalkEntry,
  firstNames: Map<string, string>,
  signal: AbortSignal | undefined,
): Promise<Opened | SkipReason> {
  const { relativePath, path, stat } = found;
  if (stat.kind === 'other') return 'special';
  if (stat.kind === 'directory') return { header: tarEntry(found, { kind: 'directory' }) };
  if (stat.kind === 'symlink') {
    return { header: tarEntry(found, { kind: 'symlink', target: await host.readLink(path) }) };
  }
  const first = firstNames.get(stat.identity);
  if (first !== undefined) return { header: tarEntry(found, { kind: 'hard-link', target: first }) };
  const body = await host.readFile(path, { length: stat.size, ...(signal && { signal }) });
  firstNames.set(stat.identity, relativePath);
  return { header: tarEntry(found, { kind: 'file', size: stat.size }), body };
}

function skipReason(failure: unknown, isHeard: boolean): SkipReason {
  const code = failure instanceof HostError ? failure.code : undefined;
  if (code === 'not-found' || code === 'not-a-directory') return 'gone';
  if (code === 'unsupported' || code === 'is-a-directory') return 'special';
  if (code === 'permission-denied' && isHeard) return 'unreadable';
  throw failure;
}

async function* exactly(
  body: ReadableStream<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let missing = size;
  for await (const chunk of body) {
    missing -= chunk.length;
    yield chunk;
  }
  const zeros = new Uint8Array(64 * 1024);
  for (missing += paddingOf(size); missing > 0; missing -= zeros.length) yield zeros.subarray(0, missing);
}

function tarEntry(
  { relativePath, stat }: WalkEntry,
  more: Pick<TarEntry, 'kind'> & Partial<TarEntry>,
): TarEntry {
  return {
    name: relativePath,
    mode: stat.mode & PERMISSION_BITS,
    modifiedMs: stat.modifiedMs,
    size: 0,
    target: '',
    ...more,
  };
}
