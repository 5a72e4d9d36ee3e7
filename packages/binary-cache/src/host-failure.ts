import { HostError } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { abortedError } from './single-flight.ts';

// GNU tar on a disk that fills up in the middle of a block: `Cannot write: No space left` or only `Wrote only 4096 of 10240 bytes`.
const full = /no space left|disk quota exceeded|file too large|file size limit|wrote only \d+ of \d+ bytes/i;
const closed = /read-only file system|permission denied|operation not permitted/i;

/** Turns the host's failure while doing something with the cache into an error of ours. */
export function hostFailure(error: unknown, doing: string, signal?: AbortSignal): BinaryCacheError {
  if (signal?.aborted) return abortedError(signal);
  if (error instanceof BinaryCacheError) return error;
  if (!(error instanceof HostError)) return failureFromText(String(error), doing, error);
  if (error.code === 'aborted') {
    return new BinaryCacheError('aborted', `${doing} was aborted.`, { cause: error });
  }
  if (error.code === 'host-lost') {
    return new BinaryCacheError(
      'host-lost',
      `${doing} was interrupted: ${error.message} Call again when the host is back.`,
      {
        cause: error,
      },
    );
  }
  if (error.code === 'no-space') return noSpace(doing, error.message, error);
  if (error.code === 'permission-denied' || error.code === 'read-only')
    return unwritable(doing, error.message, error);
  return failureFromText(error.message, doing, error);
}

/** The same for what a tool of the host printed; see `describeEnd`. */
export function failureFromText(text: string, doing: string, cause?: unknown): BinaryCacheError {
  if (full.test(text)) return noSpace(doing, text, cause);
  if (closed.test(text)) return unwritable(doing, text, cause);
  return new BinaryCacheError('install-failed', `${doing} failed: ${text}`, { cause });
}

function noSpace(doing: string, text: string, cause: unknown): BinaryCacheError {
  return new BinaryCacheError(
    'no-space',
    `${doing} failed: the host has no space left (${text}). Free some, evict unused versions, or choose another folder with CODEX_CACHE_DIR.`,
    { cause },
  );
}

function unwritable(doing: string, text: string, cause: unknown): BinaryCacheError {
  return new BinaryCacheError(
    'cache-unwritable',
    `${doing} failed: the cache cannot be written (${text}). Change its permissions or choose another folder with CODEX_CACHE_DIR.`,
    { cause },
  );
}
