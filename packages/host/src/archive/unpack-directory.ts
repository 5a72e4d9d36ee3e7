import { abortedError, throwIfAborted } from '../abort.ts';
import type { Host, HostFiles } from '../host.ts';
import { HostError } from '../host-error.ts';
import { type HostPath, joinHostPath, parentHostPath } from '../host-path.ts';
import {
  type ArchiveGuard,
  type ArchiveGuardOptions,
  createArchiveGuard,
  type SafeEntry,
} from './archive-guard.ts';
import { extractWithBusybox } from './busybox-tar.ts';
import { extractByFiles, type SafeReading } from './extract-by-files.ts';
import { extractWithTar } from './gnu-tar.ts';
import { tarOf } from './host-tar.ts';
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
  try {
    throwIfAborted(options.signal, attempt);
    await refuseFull(host, path);
    await host.makeDirectory(parentHostPath(path));
    staging = joinHostPath(parentHostPath(path), `.seedbed-${crypto.randomUUID()}.tmp`);
    await host.makeDirectory(staging, { mode: 0o700 });
    const unpacked = await fill(host, staging, stream, options);
    throwIfAborted(options.signal, attempt);
    await host.rename(staging, path);
    return unpacked;
  } catch (failure) {
    if (!stream.locked) await stream.cancel(failure).catch(() => undefined);
    if (staging !== undefined) await host.remove(staging, { recursive: true }).catch(() => undefined);
    if (options.signal?.aborted) throw abortedError(options.signal, attempt);
    throw failure instanceof HostError
      ? failure
      : new HostError('io', `Could not ${attempt}: its source failed.`, { cause: failure });
  }
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
  for await (const { entry, body } of readTar(stream)) {
    const reading = { entry: guard.admit(entry), body };
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

async function fill(
  host: HostFiles | Host,
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
  const admittedOnes = admitted(abortable(stream, options.signal), guard, options.onLeftOut);
  const readings = counted(admittedOnes, ({ size }) => {
    entries += 1;
    bytes += size;
  });
  if ('spawn' in host) await extractWithHost(host, staging, readings, options.signal);
  else await extractByFiles(host, staging, readings);
  return { entries, bytes };
}

async function extractWithHost(
  host: Host,
  staging: HostPath,
  readings: AsyncIterable<SafeReading>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const tar = await tarOf(host);
  if (tar === 'gnu') await extractWithTar(host, staging, readings, signal);
  else if (tar === 'busybox') await extractWithBusybox(host, staging, readings, signal);
  else await extractByFiles(host, staging, readings);
}

/** The stream, failing when the signal fires also while its source gives nothing. */
function abortable(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  if (signal === undefined) return stream;
  return stream.pipeThrough(new TransformStream<Uint8Array, Uint8Array>(), { signal });
}
