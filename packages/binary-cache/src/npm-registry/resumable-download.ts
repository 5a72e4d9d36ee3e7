import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BinaryCacheError } from '../binary-cache-error.ts';
import { type Integrity, integrityHex, integrityOf } from '../integrity.ts';
import { throwIfAborted } from '../single-flight.ts';
import { isPassing } from './registry-failure.ts';

/** The answer to a request for a range of bytes: 206 with the range or a part of it, or 200 with everything. */
export interface RangeAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array>;
}

export interface DownloadOptions {
  /** A folder of this machine that is only used for downloads. Created when missing. */
  readonly directory: string;
  readonly integrity: Integrity;
  readonly maxBytes: number;
  /** How many times in a row the transfer may fail without getting further. */
  readonly retries: number;
  /** The pause before the first retry; doubled with each, 10 s at the most. */
  readonly retryDelayMs: number;
  /** How long the transfer may crawl (less than 64 KiB) before it counts as broken. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  readonly report: (bytes: number, totalBytes: number | undefined) => void;
  /** Asks for the bytes `first` to `last`, both included. `last` may lie behind the end. */
  request(
    range: { readonly first: number; readonly last: number },
    signal: AbortSignal,
  ): Promise<RangeAnswer>;
}

/** A partial file that nobody has written to for so long is taken over. */
const abandonedMs = 60_000;
const crawlBytes = 65_536;
/**
 * What is asked for at once. npm's HTTP client reads as fast as the network gives, however slow the disk is,
 * so that this bounds what lies in memory (where the server knows ranges).
 */
const windowBytes = 32 * 1024 * 1024;

/**
 * Brings the bytes with this digest onto the disk and gives the file's path. The file is there only when the digest is right.
 * A transfer that breaks is continued where it broke, also by a later process. Several processes do not disturb each other.
 *
 * @throws {BinaryCacheError} `integrity-mismatch`, `limit-exceeded`, `download-failed`, `aborted`; else what `request` or the file system throws.
 */
export async function downloadResumably(options: DownloadOptions): Promise<string> {
  const { directory, integrity } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const complete = join(directory, `${integrityHex(integrity)}.tgz`);
  if (await isIntact(complete, integrity)) {
    const now = new Date();
    await utimes(complete, now, now).catch(() => undefined);
    return complete;
  }
  const partial = join(directory, `${integrityHex(integrity)}.${randomUUID()}.part`);
  await takeOverAbandoned(directory, integrity, partial);
  let keep = true;
  const file = await open(partial, 'a+', 0o600);
  try {
    await transfer(file, options);
    await file.sync();
    await rename(partial, complete);
    return complete;
  } catch (error) {
    keep = !(
      error instanceof BinaryCacheError &&
      error.code !== 'aborted' &&
      error.code !== 'download-failed'
    );
    throw error;
  } finally {
    await file.close();
    if (!keep) await rm(partial, { force: true });
  }
}

async function transfer(file: FileHandle, options: DownloadOptions): Promise<void> {
  let { hash, size } = await hashExisting(file);
  let pieced = size > 0;
  let restarted = false;
  let failures = 0;
  for (;;) {
    throwIfAborted(options.signal);
    const before = size;
    try {
      const reached = await continueFrom(file, { hash, size }, options);
      ({ hash, size } = reached);
      failures = 0;
      if (!reached.complete) continue;
      if (integrityOf(hash.copy().digest()) === options.integrity) return;
      if (!pieced || restarted) throw mismatch(options.integrity);
      // One of the pieces may have been bad: once more from the start.
      pieced = false;
      restarted = true;
      ({ hash, size } = await restart(file));
    } catch (error) {
      throwIfAborted(options.signal);
      pieced = true;
      ({ hash, size } = await hashExisting(file));
      failures = size > before ? 0 : failures + 1;
      if (!isPassing(error) || failures > options.retries) throw error;
      await delay(Math.min(options.retryDelayMs * 2 ** failures, 10_000), undefined, {
        signal: options.signal,
      }).catch(() => undefined);
    }
  }
}

interface Progressed {
  readonly hash: Hash;
  readonly size: number;
}

/** One request; writes what it gives behind what is there, or from the start when the server cannot continue. */
async function continueFrom(
  file: FileHandle,
  from: Progressed,
  options: DownloadOptions,
): Promise<Progressed & { readonly complete: boolean }> {
  const watchdog = createWatchdog(options.stallMs);
  try {
    const signal = AbortSignal.any([options.signal, watchdog.signal]);
    const window = { first: from.size, last: from.size + windowBytes - 1 };
    const answer = await options.request(window, signal);
    refuseWebPage(answer);
    const range = answer.status === 206 ? contentRange(answer) : undefined;
    if (answer.status === 206 && range?.first !== from.size)
      throw broken('the server sent another range than asked');
    let { hash, size } = range === undefined ? await restart(file) : from;
    const length = contentLength(answer);
    const end = length === undefined ? undefined : size + length;
    const total = range === undefined ? end : range.total;
    if (total !== undefined && total > options.maxBytes) throw tooLarge(options.maxBytes);
    options.report(size, total);
    for await (const chunk of abortable(answer.body, signal)) {
      watchdog.advance(chunk.byteLength);
      if (size + chunk.byteLength > options.maxBytes) throw tooLarge(options.maxBytes);
      await writeAll(file, chunk);
      hash.update(chunk);
      size += chunk.byteLength;
      options.report(size, total);
    }
    if (end !== undefined && size < end) throw broken('the answer was cut short');
    if (range !== undefined && size === from.size) throw broken('the server sent nothing');
    // A whole file, or a range of one whose size the server does not tell and that is shorter than asked for.
    const complete = range === undefined || (total === undefined ? size <= window.last : size >= total);
    return { hash, size, complete };
  } catch (error) {
    if (watchdog.signal.aborted) throw Object.assign(new Error('stalled'), { code: 'ETIMEDOUT' });
    throw error;
  } finally {
    watchdog.stop();
  }
}

/** Fires when fewer than 64 KiB arrive within `stallMs`. */
function createWatchdog(stallMs: number): {
  signal: AbortSignal;
  advance(bytes: number): void;
  stop(): void;
} {
  const controller = new AbortController();
  let pending = 0;
  const timer = setTimeout(() => controller.abort(), stallMs);
  return {
    signal: controller.signal,
    advance: (bytes) => {
      pending += bytes;
      if (pending < crawlBytes) return;
      pending = 0;
      timer.refresh();
    },
    stop: () => clearTimeout(timer),
  };
}

/** Ends the iteration with an error as soon as the signal fires, whatever the source does. */
async function* abortable(
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  const iterator = source[Symbol.asyncIterator]();
  try {
    if (signal.aborted) onAbort();
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Not awaited: a source that hangs would hang its own ending.
    iterator.return?.()?.catch(() => undefined);
  }
}

function refuseWebPage(answer: RangeAnswer): void {
  const type = answer.headers.get('content-type') ?? '';
  if (!/^(?:text\/|application\/(?:json|xhtml))/i.test(type)) return;
  throw new BinaryCacheError(
    'download-failed',
    `Instead of an archive came ${type.split(';')[0]}, perhaps the page of a proxy or login portal. Look at npm's settings \`registry\` and \`proxy\`.`,
  );
}

function contentRange(answer: RangeAnswer): { first: number; total: number | undefined } | undefined {
  const found = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers.get('content-range') ?? '');
  if (found === null) return undefined;
  return { first: Number(found[1]), total: found[2] === '*' ? undefined : Number(found[2]) };
}

function contentLength(answer: RangeAnswer): number | undefined {
  const length = answer.headers.get('content-length');
  return length !== null && /^\d+$/.test(length) ? Number(length) : undefined;
}

function broken(reason: string): Error {
  return Object.assign(new Error(reason), { code: 'ECONNRESET' });
}

function tooLarge(maxBytes: number): BinaryCacheError {
  return new BinaryCacheError(
    'limit-exceeded',
    `The archive is larger than the ${maxBytes} bytes that the cache takes.`,
  );
}

function mismatch(integrity: Integrity): BinaryCacheError {
  return new BinaryCacheError(
    'integrity-mismatch',
    `What the registry sent does not have the pinned digest ${integrity}. It was thrown away.`,
  );
}

async function restart(file: FileHandle): Promise<Progressed> {
  await file.truncate(0);
  return { hash: createHash('sha512'), size: 0 };
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    written += (await file.write(chunk, written)).bytesWritten;
  }
}

async function hashExisting(file: FileHandle): Promise<Progressed> {
  const hash = createHash('sha512');
  const buffer = Buffer.allocUnsafe(1 << 20);
  let size = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, size);
    if (bytesRead === 0) return { hash, size };
    hash.update(buffer.subarray(0, bytesRead));
    size += bytesRead;
  }
}

async function isIntact(path: string, integrity: Integrity): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return false;
  const hash = createHash('sha512');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk);
  } catch {
    return false;
  }
  if (integrityOf(hash.digest()) === integrity) return true;
  await rm(path, { force: true });
  return false;
}

/** Makes an abandoned partial file ours by renaming it, which only one process can do. */
async function takeOverAbandoned(directory: string, integrity: Integrity, target: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(`${integrityHex(integrity)}.`) || !name.endsWith('.part')) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < abandonedMs) continue;
    try {
      await rename(path, target);
      return;
    } catch {
      // Somebody else was quicker.
    }
  }
}
