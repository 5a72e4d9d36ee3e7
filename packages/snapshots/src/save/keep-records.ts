import { type Chunk, chunkContent } from '../content/chunk-content.ts';
import type { ChunkId, RecordEntry } from '../manifest/manifest.ts';

/** Bytes of the program's own that go with a snapshot. */
export type RecordBody = Uint8Array | AsyncIterable<Uint8Array>;

/** Keeps records as files are kept: what a longer one has in common with the last is not stored again. */
export async function keepRecords(
  records: Readonly<Record<string, RecordBody>>,
  take: (id: ChunkId, chunk: Chunk) => Promise<void>,
): Promise<readonly RecordEntry[]> {
  const kept: RecordEntry[] = [];
  for (const [name, body] of Object.entries(records)) {
    const { chunks, size } = await chunkContent(body instanceof Uint8Array ? once(body) : body, {
      take,
      isOwn: false,
    });
    kept.push({ name, size, chunks });
  }
  return kept;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}
