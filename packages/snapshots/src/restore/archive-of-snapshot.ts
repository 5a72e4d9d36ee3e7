import type { BlobStore } from '@seedbed/blob-store';
import { type ArchiveEntry, packEntries } from '@seedbed/host';
import { readChunks } from '../content/chunk-reader.ts';
import type { ChunkId, FileEntry, Manifest } from '../manifest/manifest.ts';

/**
 * What has to be put on a host, as an archive. Each chunk is checked before it is handed on.
 * @param without files that are there already.
 */
export function archiveOfSnapshot(
  blobs: BlobStore,
  { entries, chunks: places }: Manifest,
  options: {
    readonly without: ReadonlySet<string>;
    readonly rootMode: number;
    readonly what: string;
    readonly onBytes: (bytes: number) => void;
    readonly signal?: AbortSignal;
  },
): ReadableStream<Uint8Array> {
  const { without, rootMode, what, onBytes, signal } = options;
  function* wanted(): Generator<ChunkId> {
    for (const entry of entries) if (entry.kind === 'file' && !without.has(entry.path)) yield* entry.chunks;
  }
  const contents = readChunks(blobs, wanted(), { places, what, ...(signal && { signal }) });

  async function* bodyOf({ chunks }: FileEntry): AsyncGenerator<Uint8Array, void, undefined> {
    for (const _ of chunks) {
      const { value } = await contents.next();
      if (value === undefined) return;
      onBytes(value.bytes.length);
      yield value.bytes;
    }
  }

  async function* archived(): AsyncGenerator<ArchiveEntry, void, undefined> {
    const plain = { modifiedMs: 0, size: 0, target: '', body: nothing() };
    yield { ...plain, kind: 'directory', name: '.', mode: rootMode, modifiedMs: Date.now() };
    for (const entry of entries) {
      const { path: name } = entry;
      switch (entry.kind) {
        case 'directory':
          yield { ...plain, kind: 'directory', name, mode: entry.mode, modifiedMs: entry.modifiedMs };
          break;
        case 'symlink':
          yield {
            ...plain,
            ...{ kind: 'symlink', name, mode: 0o777, modifiedMs: entry.modifiedMs, target: entry.target },
          };
          break;
        case 'hard-link':
          yield { ...plain, kind: 'hard-link', name, mode: 0o644, target: entry.target };
          break;
        case 'file': {
          if (without.has(name)) break;
          const { mode, modifiedMs, size } = entry;
          yield { ...plain, kind: 'file', name, mode, modifiedMs, size, body: bodyOf(entry) };
        }
      }
    }
  }
  return packEntries(archived());
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
