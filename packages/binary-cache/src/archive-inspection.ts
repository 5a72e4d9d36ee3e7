import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract, type Header } from 'tar-stream';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { ArchivePayload } from './binary-source.ts';
import type { CacheLimits } from './cache-limits.ts';
import { type Integrity, integrityOf } from './integrity.ts';
import { type Artifact, isPlainRelativePath } from './release.ts';
import { abortedError } from './single-flight.ts';

/** A file as the archive has it. */
export interface ArchivedFile {
  /** Relative to the folder that the archive is unpacked in. */
  readonly path: string;
  readonly size: number;
  readonly executable: boolean;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

export interface ArchiveContents {
  /** Digest of the archive's own bytes. */
  readonly integrity: Integrity;
  /** How many these are. */
  readonly archiveBytes: number;
  /** Sorted by path. */
  readonly files: readonly ArchivedFile[];
}

export interface InspectionOptions {
  readonly limits: CacheLimits;
  readonly signal: AbortSignal;
  /** Bytes of the archive read so far. */
  readonly report: (bytes: number) => void;
}

/**
 * Reads a whole archive without writing anything: its digest, and the files in it with theirs.
 *
 * @throws {BinaryCacheError} `unsafe-archive` for a damaged archive and for an entry that is not a plain file or folder inside of it;
 * `limit-exceeded`; `aborted`.
 */
export async function inspectArchive(
  archive: ArchivePayload,
  { limits, signal, report }: InspectionOptions,
): Promise<ArchiveContents> {
  const hash = createHash('sha512');
  let archiveBytes = 0;
  async function* counted(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      archiveBytes += chunk.byteLength;
      if (archiveBytes > limits.maxArchiveBytes) throw tooMuch(`${limits.maxArchiveBytes} bytes of archive`);
      hash.update(chunk);
      report(archiveBytes);
      yield chunk;
    }
  }
  const tar = extract();
  const files = collectFiles(tar, limits);
  files.catch(() => undefined);
  const source = Readable.fromWeb(archive.open());
  try {
    await (archive.compression === 'gzip'
      ? pipeline(source, counted, createGunzip({ chunkSize: 65_536 }), tar, { signal })
      : pipeline(source, counted, tar, { signal }));
    return { integrity: integrityOf(hash.digest()), archiveBytes, files: await files };
  } catch (error) {
    if (signal.aborted) throw abortedError(signal);
    // When an entry is refused, the pipeline ends with a failure that only follows from it.
    const refusal = await files.then(
      () => undefined,
      (reason: unknown) => (reason instanceof BinaryCacheError ? reason : undefined),
    );
    if (refusal !== undefined) throw refusal;
    if (error instanceof BinaryCacheError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new BinaryCacheError('unsafe-archive', `The archive cannot be read: ${reason}.`, { cause: error });
  }
}

async function collectFiles(tar: ReturnType<typeof extract>, limits: CacheLimits): Promise<ArchivedFile[]> {
  const files = new Map<string, ArchivedFile>();
  let entries = 0;
  let bytes = 0;
  for await (const entry of tar) {
    const { header } = entry;
    entries += 1;
    bytes += header.size;
    if (entries > limits.maxEntries) throw tooMuch(`${limits.maxEntries} entries`);
    if (bytes > limits.maxTreeBytes) throw tooMuch(`${limits.maxTreeBytes} bytes of files`);
    const path = header.name.replace(/\/$/, '');
    refuseUnsafe(header, path);
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of entry) {
      if (!(chunk instanceof Uint8Array)) continue;
      hash.update(chunk);
      size += chunk.byteLength;
    }
    if (header.type === 'directory') continue;
    if (files.has(path)) throw unsafe(`${JSON.stringify(path)} comes twice`);
    files.set(path, { path, size, executable: (header.mode & 0o100) !== 0, sha256: hash.digest('hex') });
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

function refuseUnsafe(header: Header, path: string): void {
  const name = JSON.stringify(header.name);
  if (header.type !== 'file' && header.type !== 'directory') {
    throw unsafe(`${name} is a ${header.type}, only plain files and folders are taken`);
  }
  if (!isPlainRelativePath(path)) throw unsafe(`${name} is not a plain path inside of the folder`);
}

/** @throws {BinaryCacheError} `unsafe-archive` when a file that the release needs is missing or cannot be executed. */
export function requireWhole(files: readonly ArchivedFile[], artifact: Artifact): void {
  const executables = new Set(files.filter((file) => file.executable).map((file) => file.path));
  for (const path of [artifact.executable, ...artifact.companions]) {
    if (!executables.has(path)) throw unsafe(`${path} is missing or not executable`);
  }
}

function unsafe(reason: string): BinaryCacheError {
  return new BinaryCacheError(
    'unsafe-archive',
    `The archive is refused: ${reason}. Nothing of it was unpacked.`,
  );
}

function tooMuch(limit: string): BinaryCacheError {
  return new BinaryCacheError(
    'limit-exceeded',
    `The archive holds more than ${limit}, which is what the cache was told to take at the most.`,
  );
}
