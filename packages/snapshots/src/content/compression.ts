import { promisify } from 'node:util';
import {
  constants,
  type ZstdOptions,
  zstdCompress,
  zstdCompressSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';
import { CHUNK_BYTES } from '../manifest/manifest.ts';

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** What compresses to more than this share of itself is stored as it is. */
const WORTH_IT = 0.95;

/** Giving less than this to another thread takes longer than doing it. */
const SMALL_BYTES = 16 * 1024;

/** zstd adds less than this to what it cannot compress. */
const MOST_ADDED_BYTES = 512;

export interface StoredChunk {
  readonly bytes: Uint8Array;
  readonly codec: 'zstd' | 'none';
}

export async function compress(plain: Uint8Array): Promise<StoredChunk> {
  const options = settings(plain.length);
  const packed =
    plain.length <= SMALL_BYTES ? zstdCompressSync(plain, options) : await compressAsync(plain, options);
  return packed.length < plain.length * WORTH_IT
    ? { bytes: compact(packed), codec: 'zstd' }
    : { bytes: plain, codec: 'none' };
}

/**
 * Gives `length` bytes, or fails when these are none that {@link compress} made of as many; never gives more than a chunk can hold.
 */
export async function decompress({ bytes, codec }: StoredChunk, length: number): Promise<Uint8Array> {
  if (codec === 'none') return bytes;
  const options = { maxOutputLength: Math.min(Math.max(length, 1), CHUNK_BYTES), chunkSize: room(length) };
  return length <= SMALL_BYTES ? zstdDecompressSync(bytes, options) : await decompressAsync(bytes, options);
}

/** The fastest level: a workdir is read at the speed of a disk, and level 3 takes three times as long for a tenth less. */
function settings(length: number): ZstdOptions {
  return {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
    chunkSize: room(length + MOST_ADDED_BYTES),
  };
}

/** Of the memory that zlib writes to at once; otherwise it takes 16 KiB for a few bytes. */
function room(length: number): number {
  return Math.max(constants.Z_MIN_CHUNK, Math.min(length, CHUNK_BYTES + MOST_ADDED_BYTES));
}

/** What waits in a pack keeps no more memory than it needs. */
function compact(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer.byteLength === bytes.byteLength) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}
