import { BlobStoreError } from './blob-store-error.ts';

/** A part of a blob: where it begins and, unless it goes to the end, how long it is at the most. */
export interface ByteRange {
  readonly offset: number;
  /** `Infinity` for all that is left. */
  readonly length: number;
}

/** @throws {BlobStoreError} `invalid-range` for anything but whole numbers from 0. */
export function byteRange(options: { readonly offset?: number; readonly length?: number }): ByteRange {
  const { offset = 0, length = Infinity } = options;
  const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
  if (!isWhole(offset) || !(isWhole(length) || length === Infinity)) {
    throw new BlobStoreError(
      'invalid-range',
      `A part of a blob begins at a whole number of bytes and has a whole number of them, not ${offset} and ${length}.`,
    );
  }
  return { offset, length };
}
