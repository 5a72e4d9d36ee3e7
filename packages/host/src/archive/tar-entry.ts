/** One entry of a tar archive. Names carry bytes that are not UTF-8 as `HostPath` does. */
export interface TarEntry {
  readonly kind: 'file' | 'directory' | 'symlink' | 'hard-link';
  /** As the archive says it: neither checked nor normalised. */
  readonly name: string;
  /** All permission bits, also those that are refused later. */
  readonly mode: number;
  readonly modifiedMs: number;
  /** Bytes; 0 for all but files. */
  readonly size: number;
  /** What a link says. */
  readonly target: string;
}

export const BLOCK_BYTES = 512;

/** Bytes that fill the last block of a body. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Type flags: POSIX.1-2024 pax (ustar interchange format); `L` and `K` are GNU tar's. */
export const TYPE_FLAGS = {
  file: '0',
  'hard-link': '1',
  symlink: '2',
  directory: '5',
  longName: 'L',
  longTarget: 'K',
  extended: 'x',
  global: 'g',
} as const;
