import type { BlobId } from '@seedbed/blob-store';
import { expect, it } from 'vitest';
import { createChunkTable } from '../compact/chunk-table.ts';
import { createEntryList } from '../compact/entry-list.ts';
import { decodeManifest } from './decode-manifest.ts';
import { encodeManifest } from './encode-manifest.ts';
import type { Manifest } from './manifest.ts';

const plain: Manifest = {
  ...{ task: 't', number: 1, createdMs: 0, endState: 'done', labels: {}, facts: null },
  host: { label: 'local', os: 'linux', arch: 'x64' },
  ...{
    exclude: [],
    leftOut: [],
    newestChangeMs: 0,
    listedMs: 0,
    settledMs: 0,
    entries: createEntryList(),
    records: [],
    chunks: createChunkTable(),
  },
};

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** With what it lists as arrays, so that it can be compared. */
async function decoded(bytes: Uint8Array, size: number): Promise<object> {
  const { entries, chunks, ...rest } = await decodeManifest(inPieces(bytes, size), 'it');
  return { ...rest, entries: [...entries], chunks: [...chunks] };
}

it('has no long line, whatever an agent has made that is left out', async () => {
  const leftOut = Array.from({ length: 30_000 }, (_, at) => ({
    path: `${at}-${'x'.repeat(100)}.pyc`,
    reason: 'excluded' as const,
  }));
  const bytes = Buffer.concat([...encodeManifest({ ...plain, leftOut })]);
  const lines = bytes.toString().split('\n');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(200_000);
  expect(await decoded(bytes, 65_536)).toEqual({ ...plain, leftOut, entries: [], chunks: [] });
});

it.each([1, 7, 64, 100_000])('is read in pieces of %i bytes as it was written', async (size) => {
  const facts = { words: ['Grüße', '東京', '🌱', '\u2028', 'a\nb', '\ufeff'] };
  const entries = createEntryList();
  entries.add({ kind: 'directory', path: '🌱\n', mode: 0o755, modifiedMs: 0.5 });
  const bytes = Buffer.concat([...encodeManifest({ ...plain, facts, entries })]);
  expect(await decoded(bytes, size)).toEqual({ ...plain, facts, entries: [...entries], chunks: [] });
  for (const cut of [bytes.length - 1, bytes.length - 5])
    await expect(decodeManifest(inPieces(bytes.subarray(0, cut), size), 'it')).rejects.toMatchObject({
      code: 'damaged',
    });
});

it.each([
  ['lies in more bytes than it can', { storedBytes: 2 ** 40, bytes: 5 }],
  ['has more bytes than it can', { storedBytes: 5, bytes: 2 ** 40 }],
  ['lies before its pack', { storedBytes: 5, bytes: 5, offset: -1 }],
])('is refused when a chunk %s', async (_, place) => {
  const chunk = { pack: 'p' as BlobId, offset: 0, codec: 'none' as const, ...place };
  const chunks = createChunkTable();
  chunks.add('A'.repeat(43), chunk);
  const bytes = Buffer.concat([...encodeManifest({ ...plain, chunks })]);
  await expect(decodeManifest(inPieces(bytes, 100), 'it')).rejects.toMatchObject({ code: 'damaged' });
});
