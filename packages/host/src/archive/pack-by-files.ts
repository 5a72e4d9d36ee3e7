import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type FileReading, readFiles } from '../read-files.ts';
import type { WalkEntry } from '../walk.ts';
import type { PackOptions, PackSource, SkipReason } from './pack-options.ts';
import { paddingOf, type TarEntry } from './tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from './tar-header.ts';

const PERMISSION_BITS = 0o777;

/** Where the bytes of a file come from, as many as its `stat` says at the most. */
type ContentSource = (found: WalkEntry) => Promise<AsyncIterable<Uint8Array> | SkipReason>;

/** Packs with the file operations of any host, one for each file. */
export async function* packByFiles(
  host: HostFiles,
  source: PackSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* packEntries(source, readByFile(host, source.options));
}

/** Packs with one command that sends the contents of all files. */
export async function* packByContents(
  host: Host,
  source: PackSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { root, options } = source;
  const tree = await Array.fromAsync(source.tree);
  const wanted = firstNamesOfFiles(tree);
  const parts = wanted.map(({ relativePath, stat }) => ({ relativePath, length: stat.size }));
  const stop = options.signal && { signal: options.signal };
  const readings = readFiles(host, root.path, parts, stop);
  const isWanted = new Set(wanted);
  const readAlone = readByFile(host, options);
  // Another name of a file is asked for only when the first one was gone.
  const read: ContentSource = async (found) => {
    if (!isWanted.has(found)) return await readAlone(found);
    const { value } = await readings.next();
    return value === undefined ? 'gone' : contentOf(value);
  };
  try {
    yield* packEntries({ root, tree, options }, read);
    // At its own end the command need not be ended.
    await readings.next();
  } finally {
    await readings.return();
  }
}

/** What has become something else since it was listed is gone as a file. */
function contentOf({ status, body }: FileReading): AsyncIterable<Uint8Array> | SkipReason {
  if (status === 'read') return body;
  return status === 'not-a-file' ? 'gone' : status;
}

function firstNamesOfFiles(tree: readonly WalkEntry[]): readonly WalkEntry[] {
  const seen = new Set<string>();
  return tree.filter(({ stat }) => {
    if (stat.kind !== 'file' || seen.has(stat.identity)) return false;
    seen.add(stat.identity);
    return true;
  });
}

async function* packEntries(
  {
    root,
    tree,
    options,
  }: Pick<PackSource, 'root' | 'options'> & {
    readonly tree: AsyncIterable<WalkEntry> | Iterable<WalkEntry>;
  },
  read: ContentSource,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield encodeTarHeader(tarEntry(root, { kind: 'directory' }));
  /** By identity, the name under which a file was packed. */
  const firstNames = new Map<string, string>();
  for await (const found of tree) {
    const opened = await openEntry(found, firstNames, read);
    if (typeof opened === 'string') {
      skip(found, opened, options);
      continue;
    }
    yield encodeTarHeader(opened.header);
    if (opened.body !== undefined) yield* exactly(opened.body, opened.header.size);
  }
  yield encodeTarEnd();
}

function skip({ path, relativePath }: WalkEntry, reason: SkipReason, { onSkip }: PackOptions): void {
  if (reason === 'unreadable' && onSkip === undefined)
    throw new HostError('permission-denied', `Could not pack ${path}: it may not be read.`);
  onSkip?.(relativePath, reason);
}

interface Opened {
  readonly header: TarEntry;
  readonly body?: AsyncIterable<Uint8Array>;
}

async function openEntry(
  found: WalkEntry,
  firstNames: Map<string, string>,
  read: ContentSource,
): Promise<Opened | SkipReason> {
  const { relativePath, stat, target = '' } = found;
  if (stat.kind === 'other') return 'special';
  if (stat.kind === 'directory') return { header: tarEntry(found, { kind: 'directory' }) };
  if (stat.kind === 'symlink') return { header: tarEntry(found, { kind: 'symlink', target }) };
  const first = firstNames.get(stat.identity);
  if (first !== undefined) return { header: tarEntry(found, { kind: 'hard-link', target: first }) };
  const body = await read(found);
  if (typeof body === 'string') return body;
  firstNames.set(stat.identity, relativePath);
  return { header: tarEntry(found, { kind: 'file', size: stat.size }), body };
}

function readByFile(host: HostFiles, { signal }: PackOptions): ContentSource {
  return async ({ path, stat }) => {
    try {
      return await host.readFile(path, { length: stat.size, ...(signal && { signal }) });
    } catch (failure) {
      const code = failure instanceof HostError ? failure.code : undefined;
      if (code === 'not-found' || code === 'not-a-directory') return 'gone';
      if (code === 'unsupported' || code === 'is-a-directory') return 'special';
      if (code === 'permission-denied') return 'unreadable';
      throw failure;
    }
  };
}

async function* exactly(
  body: AsyncIterable<Uint8Array>,
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
