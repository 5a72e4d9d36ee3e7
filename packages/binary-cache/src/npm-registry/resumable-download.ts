import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BinaryCacheError } from '../binary-cache-error.ts';
import { type Integrity, integrityHex, integrityOf } from '../integrity.ts';
import { throwIfAborted } from '../single-flight.ts';
import { abortable, createWatchdog } from '../transfer-watchdog.ts';
import { isPassing } from './registry-failure.ts';
import {
  hashExisting,
  isIntact,
  type Progressed,
  publishArchive,
  restart,
  takeOverAbandoned,
  writeAll,
} from './stored-archive.ts';

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
    await publishArchive(file, { partial, complete, integrity });
    return complete;
  } catch (error) {
    keep = mayBeContinued(error);
    throw error;
  } finally {
    await file.close();
    if (!keep) await rm(partial, { force: true });
  }
}

/** A broken transfer goes on later; wrong bytes, and those that fill a disk, go away. */
function mayBeContinued(error: unknown): boolean {
  if (error instanceof BinaryCacheError) return error.code === 'aborted' || error.code === 'download-failed';
  return !(error instanceof Error && 'code' in error && /^(?:ENOSPC|EDQUOT|EFBIG)$/.test(String(error.code)));
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
