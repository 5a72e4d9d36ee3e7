import type { FileKind, FileStat } from './host.ts';

/** What stat(1) is to print of a file; GNU's and BusyBox's print the same. `%Y` and `%Z` have the seconds, and only `%y` and `%z` their fraction. */
export const STAT_FORMAT = '%f %s %d:%i %u %Y %Z %y|%z';

/** What GNU's find is to print of a file. */
export const FIND_FORMAT = '%y%m %s %D:%i %U %T@ %C@';

/** Reads what stat(1) printed with {@link STAT_FORMAT}. */
export function parseStatFacts(text: string): FileStat {
  const [rawMode = '', size, identity = '', uid, modified = '', changed = '', ...readable] = text
    .trim()
    .split(' ');
  const mode = Number.parseInt(rawMode, 16);
  const [modifiedAt = '', changedAt = ''] = readable.join(' ').split('|');
  return {
    kind: kindOfMode(mode),
    size: Number(size),
    mode: mode & 0o7777,
    modifiedMs: milliseconds(modified, fractionOf(modifiedAt)),
    changedMs: milliseconds(changed, fractionOf(changedAt)),
    identity,
    uid: Number(uid),
  };
}

/** Reads what find printed with {@link FIND_FORMAT}. */
export function parseFindFacts(text: string): FileStat {
  const [kindAndMode = '', size, identity = '', uid, modified = '', changed = ''] = text.split(' ');
  return {
    kind: KINDS[kindAndMode.charAt(0)] ?? 'other',
    size: Number(size),
    mode: Number.parseInt(kindAndMode.slice(1), 8),
    modifiedMs: decimalMilliseconds(modified),
    changedMs: decimalMilliseconds(changed),
    identity,
    uid: Number(uid),
  };
}

const KINDS: Readonly<Record<string, FileKind>> = { f: 'file', d: 'directory', l: 'symlink' };

/** By the type bits of a mode: see inode(7). */
function kindOfMode(mode: number): FileKind {
  switch (mode & 0o170000) {
    case 0o100000:
      return 'file';
    case 0o040000:
      return 'directory';
    case 0o120000:
      return 'symlink';
    default:
      return 'other';
  }
}

/** Of a time as people read it: `2026-01-31 12:00:00.123456789 +0000`. */
function fractionOf(readable: string): string {
  return /:\d\d\.(\d+)/.exec(readable)?.[1] ?? '';
}

function decimalMilliseconds(time: string): number {
  if (time.startsWith('-')) return Number(time) * 1_000;
  const [seconds = '', fraction = ''] = time.split('.');
  return milliseconds(seconds, fraction);
}

/** Rounded once, from whole nanoseconds, as the local host does it: so that equal times are equal numbers. */
function milliseconds(seconds: string, fraction: string): number {
  const nanoseconds = fraction.slice(0, 9).padEnd(9, '0');
  if (!seconds.startsWith('-')) return Number(seconds + nanoseconds) / 1e6;
  return Number(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)) / 1e6;
}
