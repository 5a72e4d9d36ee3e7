import { type Host, type HostPath, run } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import type { CacheLimits } from './cache-limits.ts';
import { requireSuccess } from './host-command.ts';
import { hostFailure } from './host-failure.ts';

/** Modes, the owner as one word or two, then the size: as the `tar` of GNU, of BusyBox and of macOS list an entry. */
const line = /^(.)[-a-zA-Z]{9}\S*\s+(?:\S+\/\S+|\d+\s+\S+\s+\S+)\s+(\d+)\s/;
const maxListingBytes = 16_000_000;

/**
 * Has the host's tar list an archive that never was here, before it unpacks it: nothing but plain files and folders, and no more than the cache takes. That nothing
 * leaves the folder is then what every tar sees to by itself: without links there is no other way out than a name, and names that lead out are not followed.
 *
 * @throws {BinaryCacheError} `unsafe-archive`, `limit-exceeded`, and what the host fails with.
 */
export async function checkListing(
  host: Host,
  archive: { readonly path: HostPath; readonly compression: 'gzip' | 'none' },
  { limits, signal }: { readonly limits: CacheLimits; readonly signal: AbortSignal },
): Promise<void> {
  const doing = 'Listing the archive that the host fetched';
  try {
    const flags = archive.compression === 'gzip' ? '-tvzf' : '-tvf';
    const result = await run(
      host,
      { argv: ['tar', flags, archive.path], env: { LC_ALL: 'C' } },
      { signal, maxOutputBytes: maxListingBytes, timeoutMs: 10 * 60_000 },
    );
    requireSuccess(result, doing);
    const entries = result.stdout.split('\n').slice(0, -1);
    if (result.truncated || entries.length > limits.maxEntries) throw tooMuch(`${limits.maxEntries} entries`);
    let bytes = 0;
    for (const entry of entries) {
      const [, kind, size] = line.exec(entry) ?? [];
      if (kind !== '-' && kind !== 'd') {
        const shown = JSON.stringify(entry.slice(0, 300));
        throw new BinaryCacheError(
          'unsafe-archive',
          `The archive is refused: ${shown} is neither a plain file nor a folder. Nothing of it was unpacked.`,
        );
      }
      bytes += Number(size);
    }
    if (bytes > limits.maxTreeBytes) throw tooMuch(`${limits.maxTreeBytes} bytes of files`);
  } catch (error) {
    throw hostFailure(error, doing, signal);
  }
}

function tooMuch(limit: string): BinaryCacheError {
  return new BinaryCacheError(
    'limit-exceeded',
    `The archive holds more than ${limit}, which is what the cache was told to take at the most.`,
  );
}
