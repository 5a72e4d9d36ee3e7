import { BinaryCacheError } from './binary-cache-error.ts';
import type { Landing } from './landing.ts';
import { createWatchdog } from './transfer-watchdog.ts';

export interface HostFetchOptions {
  readonly url: string;
  readonly maxBytes: number;
  /** For how long less than 64 KiB may come, in milliseconds. */
  readonly stallMs: number;
  readonly report: (bytes: number) => void;
}

/**
 * Lets the host fetch an archive itself, until it has all of it with the right digest. What it has already, from whichever transfer, is continued; should the whole
 * then be wrong, it is fetched once more from the start.
 *
 * @throws {BinaryCacheError} `download-failed`, `integrity-mismatch`, `limit-exceeded` and what a landing throws.
 */
export async function fetchOnHost(landing: Landing, options: HostFetchOptions): Promise<'done' | 'taken'> {
  const kept = landing.size === 0 ? undefined : await landing.keep();
  if (kept === 'taken') return 'taken';
  if (kept?.kind === 'right') return 'done';
  for (;;) {
    const present = landing.size;
    if ((await fetchRest(landing, options)) === 'taken') return 'taken';
    const fetched = await landing.keep();
    if (fetched === 'taken') return 'taken';
    if (fetched.kind === 'right') return 'done';
    if ((await landing.restart()) === 'taken') return 'taken';
    if (present === 0) throw wrongBytes(fetched.gzip);
  }
}

async function fetchRest(
  landing: Landing,
  { url, maxBytes, stallMs, report }: HostFetchOptions,
): Promise<'done' | 'taken'> {
  const watchdog = createWatchdog(stallMs);
  const stalled = Promise.withResolvers<never>();
  stalled.promise.catch(() => undefined);
  watchdog.signal.addEventListener('abort', () => stalled.reject(stall(stallMs)), { once: true });
  let last = landing.size;
  const advance = (bytes: number): void => {
    watchdog.advance(Math.max(0, bytes - last));
    last = bytes;
    report(bytes);
  };
  const connectSeconds = Math.ceil(stallMs / 1000);
  try {
    const fetching = landing.fetch({ url, maxBytes, connectSeconds, report: advance });
    fetching.catch(() => undefined);
    const fetched = await Promise.race([fetching, stalled.promise]);
    if (fetched === 'taken') return 'taken';
    if (landing.size >= maxBytes) {
      await landing.restart();
      throw new BinaryCacheError(
        'limit-exceeded',
        `The archive is larger than the ${maxBytes} bytes that the cache takes.`,
      );
    }
    if (fetched.code !== 0) throw refused(fetched.said || `the tool ended with ${fetched.code}`);
    return 'done';
  } finally {
    watchdog.stop();
  }
}

function refused(reason: string): BinaryCacheError {
  return new BinaryCacheError(
    'download-failed',
    `The host could not fetch the archive itself: ${reason}. With \`delivery: 'push'\` it is sent from here.`,
  );
}

function stall(stallMs: number): BinaryCacheError {
  return refused(`hardly anything came for ${stallMs / 1000} s`);
}

function wrongBytes(gzip: boolean): BinaryCacheError {
  if (!gzip) return refused('what came is no archive, perhaps the page of a proxy or login portal');
  return new BinaryCacheError(
    'integrity-mismatch',
    'What the host fetched does not have the pinned digest. It was thrown away, and nothing was installed.',
  );
}
