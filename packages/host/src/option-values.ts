import { HostError } from './host-error.ts';

/** What a timer of Node's can hold: 24.8 days. A longer time is taken for a millisecond by Node itself. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** For a timer: `Infinity`, and all that is longer than one can hold, as long as it can. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}

/**
 * @param option how messages call it
 * @param leastMs what may be the shortest; 0 by default
 * @throws {HostError} `invalid-config` for anything but a time, which `Infinity` is too.
 */
export function checkTime(ms: unknown, option: string, leastMs = 0): void {
  if (ms === undefined || (typeof ms === 'number' && ms >= leastMs)) return;
  throw invalid(option, `a number of milliseconds from ${leastMs}`, ms);
}

/** @throws {HostError} `invalid-config` for anything but a whole number from `least` (0 by default), or `Infinity`. */
export function checkCount(count: unknown, option: string, least = 0): void {
  if (count === undefined || count === Number.POSITIVE_INFINITY) return;
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= least) return;
  throw invalid(option, `a whole number from ${least}`, count);
}

/** @throws {HostError} `invalid-config` for anything but a part that a file can have. */
export function checkByteRange({ offset, length }: ByteRange): void {
  checkCount(offset === Number.POSITIVE_INFINITY ? Number.NaN : offset, 'offset');
  checkCount(length, 'length');
}

interface ByteRange {
  readonly offset?: unknown;
  readonly length?: unknown;
}

/** @throws {HostError} `invalid-config` for anything but the number of a port. */
export function checkPort(port: unknown, option: string): void {
  if (port === undefined) return;
  if (typeof port === 'number' && Number.isInteger(port) && port > 0 && port <= 65_535) return;
  throw invalid(option, 'a port, from 1 to 65,535', port);
}

/** @throws {HostError} `invalid-config` for anything but a size that a terminal can have. */
export function checkPtySize(size: { readonly columns: unknown; readonly rows: unknown } | undefined): void {
  if (size === undefined) return;
  for (const option of ['columns', 'rows'] as const) {
    const count = size[option];
    if (typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= 65_535) continue;
    throw invalid(option, 'a whole number from 1 to 65,535', count);
  }
}

/** @throws {HostError} `invalid-config` where there is none. */
export function checkText(text: unknown, option: string, what: string): void {
  if (typeof text === 'string' && text !== '') return;
  throw invalid(option, what, text);
}

/**
 * Of this machine.
 *
 * @throws {HostError} `invalid-config` for one that begins with `~`: shells expand that, and nothing else does, so that it would be a folder of that name.
 */
export function checkFilePath(path: unknown, option: string, what: string): void {
  checkText(path, option, what);
  if (typeof path !== 'string' || !path.startsWith('~')) return;
  throw new HostError(
    'invalid-config',
    `${option} cannot be ${JSON.stringify(path)}: "~" is not expanded. Join os.homedir() and the rest; write "./~" for what is really called so.`,
  );
}

/** `shown` is a number, or only its kind is told: a text may be a secret. */
export function invalid(option: string, what: string, shown: unknown): HostError {
  return new HostError('invalid-config', `${option} has to be ${what}; it is ${kindOf(shown)}.`);
}

function kindOf(value: unknown): string {
  if (typeof value === 'number' || value === undefined || value === null) return String(value);
  if (value === '') return 'an empty text';
  if (typeof value === 'string') return 'a text';
  if (value instanceof Uint8Array) return 'bytes';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
