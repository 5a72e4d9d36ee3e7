import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { expect, it } from 'vitest';
import { CHUNK_BYTES } from '../manifest/manifest.ts';
import { chunkIdOf } from './chunk-id.ts';
import { readChunks } from './chunk-reader.ts';
import { compress, decompress } from './compression.ts';
import { createPackWriter } from './pack-writer.ts';

it('a chunk that waits in a pack keeps no more memory than it has bytes', async () => {
  for (const size of [40, 300, 5_000, 20_000, 300_000]) {
    const plain = Buffer.from('word '.repeat(size / 5));
    const { bytes, codec } = await compress(plain);
    expect(codec).toBe('zstd');
    expect(bytes.buffer.byteLength).toBe(bytes.byteLength);
    expect(Buffer.from(await decompress({ bytes, codec }, plain.length)).equals(plain)).toBe(true);
  }
});

it('a chunk that unpacks to more than it should have is refused', async () => {
  for (const size of [100, 10_000, 500_000]) {
    const stored = await compress(Buffer.alloc(size));
    await expect(decompress(stored, size - 1)).rejects.toThrow();
  }
});

it('reads what compresses to nearly nothing in pieces that fit into memory', async () => {
  const blobs = createMemoryBlobStore();
  const writer = createPackWriter(blobs, { labels: {} });
  const ids: string[] = [];
  for (let at = 0; at < 40; at += 1) {
    const bytes = Buffer.alloc(CHUNK_BYTES, `${at} `);
    ids.push(chunkIdOf(bytes));
    await writer.add(chunkIdOf(bytes), { bytes, isOwn: true });
  }
  const places = await writer.finish();
  expect(writer.packs).toHaveLength(1);
  let reads = 0;
  const counting: typeof blobs = {
    ...blobs,
    open(...args) {
      reads += 1;
      return blobs.open(...args);
    },
  };
  const read = [];
  for await (const { id } of readChunks(counting, ids, { places, what: 'it' })) read.push(id);
  expect(read).toEqual(ids);
  expect(reads).toBe(5);
});
