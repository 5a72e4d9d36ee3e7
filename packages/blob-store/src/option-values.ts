import { BlobStoreError } from './blob-store-error.ts';

/** What a timer of Node's can hold: 24.8 days. A longer time is taken for a millisecond by Node itself. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** For a timer: `Infinity`, and all that is longer than one can hold, as long as it can. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}

/**
 * @param leastMs what may be the shortest; 0 by default
 * @throws {BlobStoreError} `invalid-config` for anything but a time, which `Infinity` is too.
 */
export function checkTime(ms: unknown, option: string, leastMs = 0): void {
  if (typeof ms === 'number' && ms >= leastMs) return;
  throw invalid(option, `a number of milliseconds from ${leastMs}`, ms);
}

/**
 * Of this machine.
 *
 * @throws {BlobStoreError} `invalid-config` where there is none, or it begins with `~`: shells expand that, and nothing else does, so that it would be a folder of
 * that name.
 */
export function checkFolder(path: unknown, option: string): void {
  if (typeof path !== 'string' || path === '') throw invalid(option, 'the path of a folder', path);
  if (!path.startsWith('~')) return;
  throw new BlobStoreError(
    'invalid-config',
    `${option} cannot be ${JSON.stringify(path)}: "~" is not expanded. Join os.homedir() and the rest; write "./~" for what is really called so.`,
  );
}

/** `shown` is a number, or only its kind is told: a text may be a key. */
export function invalid(option: string, what: string, shown: unknown): BlobStoreError {
  return new BlobStoreError('invalid-config', `${option} has to be ${what}; it is ${kindOf(shown)}.`);
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return 'a text';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
