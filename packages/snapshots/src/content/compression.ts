import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { CHUNK_BYTES } from '../manifest/manifest.ts';

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** The fastest level: a workdir is read at the speed of a disk, and level 3 takes three times as long for a tenth less. */
const SETTINGS = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** What compresses to more than this share of itself is stored as it is. */
const WORTH_IT = 0.95;

export interface StoredChunk {
  readonly bytes: Uint8Array;
  readonly codec: 'zstd' | 'none';
}

export async function compress(plain: Uint8Array): Promise<StoredChunk> {
  const packed = await compressAsync(plain, SETTINGS);
  return packed.length < plain.length * WORTH_IT
    ? { bytes: packed, codec: 'zstd' }
    : { bytes: plain, codec: 'none' };
}

/** Never gives more than a chunk can hold, whatever the bytes say. Fails when they are none that `compress` gave. */
export async function decompress({ bytes, codec }: StoredChunk): Promise<Uint8Array> {
  return codec === 'none' ? bytes : await decompressAsync(bytes, { maxOutputLength: CHUNK_BYTES });
}
