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

/** Where a header says the sum of its bytes. */
export const CHECKSUM_AT = 148;
export const CHECKSUM_BYTES = 8;

/** The sum of a header's bytes, with spaces in the place of the sum itself. A loop: an archive has thousands of headers. */
export function headerChecksum(block: Uint8Array): number {
  let sum = CHECKSUM_BYTES * 0x20;
  for (let at = 0; at < CHECKSUM_AT; at += 1) sum += block[at] ?? 0;
  for (let at = CHECKSUM_AT + CHECKSUM_BYTES; at < BLOCK_BYTES; at += 1) sum += block[at] ?? 0;
  return sum;
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
