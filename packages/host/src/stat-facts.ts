import type { FileKind, FileStat } from './host.ts';

/** What stat(1) is to print of a file; GNU's and BusyBox's print the same. `%Y` has the seconds, and only `%y` their fraction. */
export const STAT_FORMAT = '%f %s %d:%i %u %Y %y';

/** What GNU's find is to print of a file. */
export const FIND_FORMAT = '%y%m %s %D:%i %U %T@';

/** Reads what stat(1) printed with {@link STAT_FORMAT}. */
export function parseStatFacts(text: string): FileStat {
  const [rawMode = '', size, identity = '', uid, seconds = '', ...readable] = text.trim().split(' ');
  const mode = Number.parseInt(rawMode, 16);
  const fraction = /:\d\d\.(\d+)/.exec(readable.join(' '))?.[1] ?? '';
  return {
    kind: kindOfMode(mode),
    size: Number(size),
    mode: mode & 0o7777,
    modifiedMs: milliseconds(seconds, fraction),
    identity,
    uid: Number(uid),
  };
}

/** Reads what find printed with {@link FIND_FORMAT}. */
export function parseFindFacts(text: string): FileStat {
  const [kindAndMode = '', size, identity = '', uid, time = ''] = text.split(' ');
  const [seconds = '', fraction = ''] = time.split('.');
  return {
    kind: KINDS[kindAndMode.charAt(0)] ?? 'other',
    size: Number(size),
    mode: Number.parseInt(kindAndMode.slice(1), 8),
    modifiedMs: time.startsWith('-') ? Number(time) * 1_000 : milliseconds(seconds, fraction),
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

/** Rounded once, from whole nanoseconds, as the local host does it: so that equal times are equal numbers. */
function milliseconds(seconds: string, fraction: string): number {
  const nanoseconds = fraction.slice(0, 9).padEnd(9, '0');
  if (!seconds.startsWith('-')) return Number(seconds + nanoseconds) / 1e6;
  return Number(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)) / 1e6;
}
