import { abortedError, throwIfAborted } from '../abort.ts';
import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, hostPathName, joinHostPath, parentHostPath } from '../host-path.ts';
import { ABANDONED_MS, removeAbandoned, stagingIn } from './abandoned-staging.ts';
import {
  type ArchiveGuard,
  type ArchiveGuardOptions,
  createArchiveGuard,
  type SafeEntry,
} from './archive-guard.ts';
import { extractWithBusybox } from './busybox-tar.ts';
import { extractByFiles, type SafeReading } from './extract-by-files.ts';
import { extractWithTar } from './gnu-tar.ts';
import { type HostTar, tarOf } from './host-tar.ts';
import { placeReusedFiles, type ReusedFiles } from './reuse-files.ts';
import { readTar } from './tar-reader.ts';

export interface UnpackOptions extends ArchiveGuardOptions {
  /**
   * Files that the host has already, as hard links or copies of which the archive holds nothing. They come with the modes, times and contents that they have:
   * what these should be is the caller's to look at afterwards.
   */
  readonly reuse?: ReusedFiles;
  /** Hears of what was left out of the archive: a link that leads out of the folder, with `outsideLinks: 'leave-out'`. */
  readonly onLeftOut?: (relativePath: string, reason: 'outside-link') => void;
  readonly signal?: AbortSignal;
}

export interface Unpacked {
  /** Without those that were left out or reused. */
  readonly entries: number;
  /** Of all files of the archive together. */
  readonly bytes: number;
}

/**
 * Unpacks a tar archive as the folder `path`, which must not exist or be empty. All or nothing: it is unpacked beside the folder
 * and takes its place when every entry is there and was found harmless. What `packDirectory` gives comes back as it was.
 * What a program that was killed has left beside it (`.seedbed-….tmp`) is removed when it is a day old.
 *
 * The host's own tar does the writing where it is GNU's or BusyBox's: it is given nothing but what was read and checked here.
 *
 * Refused with `invalid-archive`: names that are absolute or hold `..`; links that lead out of the folder (see `outsideLinks`);
 * entries behind a link; one entry in the place of another; devices, pipes, sparse files; setuid, setgid and sticky bits (see `setuidBits`); a damaged or cut archive; an
 * entry with the name of a reused file.
 *
 * @throws {HostError} `invalid-archive`, `limit-exceeded`, `directory-not-empty`, `not-a-directory`, `not-found` (a reused file), `aborted`, and what the file operations throw.
 */
export async function unpackDirectory(
  host: HostFiles | Host,
  path: HostPath,
  stream: ReadableStream<Uint8Array>,
  options: UnpackOptions = {},
): Promise<Unpacked> {
  const attempt = `unpack an archive as ${path}`;
  let staging: HostPath | undefined;
  let source = stream;
  try {
    throwIfAborted(options.signal, attempt);
    source = begun(stream, options.signal);
    const parent = parentHostPath(path);
    const fresh = joinHostPath(parent, `.seedbed-${crypto.randomUUID()}.tmp`);
    staging = fresh;
    // Asked together, which takes one round trip. Where the folder turns out to be refused, so were its parents there.
    const [tar, names] = await allDone([
      'spawn' in host ? tarOf(host) : undefined,
      stagingIn(host, parent),
      refuseFull(host, path),
      host.makeDirectory(fresh, { mode: 0o700 }),
    ]);
    const others = names.filter((name) => name !== hostPathName(fresh));
    await removeAbandoned(host, parent, { names: others, fresh, unchangedMs: ABANDONED_MS });
    const unpacked = await fill({ host, tar }, fresh, source, options);
    throwIfAborted(options.signal, attempt);
    await host.rename(fresh, path);
    return unpacked;
  } catch (failure) {
    if (!source.locked) await source.cancel(failure).catch(() => undefined);
    if (staging !== undefined) await host.remove(staging, { recursive: true }).catch(() => undefined);
    if (options.signal?.aborted) throw abortedError(options.signal, attempt);
    throw failure instanceof HostError
      ? failure
      : new HostError('io', `Could not ${attempt}: its source failed.`, { cause: failure });
  }
}

/** What they give, once none of them is under way any more; the first failure counts. */
async function allDone<T extends readonly unknown[]>(
  works: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

async function refuseFull(host: HostFiles, path: HostPath): Promise<void> {
  const there = await host.stat(path);
  if (there === undefined) return;
  if (there.kind !== 'directory')
    throw new HostError('not-a-directory', `Did not unpack an archive as ${path}: something else is there.`);
  for await (const _ of host.list(path)) {
    throw new HostError(
      'directory-not-empty',
      `Did not unpack an archive as ${path}: the folder is not empty.`,
    );
  }
}

/** The entries of an archive, each with its content, in a form that is harmless to unpack: symbolic links last, when it is known where they lead. */
async function* admitted(
  stream: ReadableStream<Uint8Array>,
  guard: ArchiveGuard,
  onLeftOut: UnpackOptions['onLeftOut'],
): AsyncGenerator<SafeReading, void, undefined> {
  const links: SafeReading[] = [];
  for await (const { entry, ...bytes } of readTar(stream)) {
    const reading = { entry: guard.admit(entry), ...bytes };
    if (entry.kind === 'symlink') links.push(reading);
    else yield reading;
  }
  const outside = guard.outsideLinks();
  for (const reading of links) {
    if (outside.has(reading.entry.name)) onLeftOut?.(reading.entry.name, 'outside-link');
    else yield reading;
  }
}

async function* counted(
  readings: AsyncIterable<SafeReading>,
  count: (entry: SafeEntry) => void,
): AsyncGenerator<SafeReading, void, undefined> {
  for await (const reading of readings) {
    count(reading.entry);
    yield reading;
  }
}

interface Unpacker {
  readonly host: HostFiles | Host;
  readonly tar: HostTar | undefined;
}

async function fill(
  { host, tar }: Unpacker,
  staging: HostPath,
  stream: ReadableStream<Uint8Array>,
  options: UnpackOptions,
): Promise<Unpacked> {
  const guard = createArchiveGuard(options);
  let entries = 0;
  let bytes = 0;
  if (options.reuse !== undefined) {
    const { from } = options.reuse;
    const files = [...options.reuse.files];
    guard.expect(files);
    await placeReusedFiles(host, staging, { from, files, signal: options.signal });
  }
  const readings = counted(admitted(stream, guard, options.onLeftOut), ({ size }) => {
    entries += 1;
    bytes += size;
  });
  const machine = 'spawn' in host ? host : undefined;
  if (machine !== undefined && tar === 'gnu')
    await extractWithTar(machine, staging, readings, options.signal);
  else if (machine !== undefined && tar === 'busybox')
    await extractWithBusybox(machine, staging, readings, options.signal);
  else await extractByFiles(host, staging, readings);
  return { entries, bytes };
}

/** The stream, asked for its first chunk at once, and failing when the signal fires also while its source gives nothing. */
function begun(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  return stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), signal && { signal });
}
