import type { SafeEntry } from './archive-guard.ts';
import type { SafeReading } from './extract-by-files.ts';
import { type ChunkJoiner, createChunkJoiner } from './join-chunks.ts';
import { BLOCK_BYTES, paddingOf } from './tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from './tar-header.ts';

/** Writes entries that were found harmless as an archive, in the plainest form: what a host's own tar is given to unpack. `header` changes what it says of one. */
export function encodeArchive(
  readings: AsyncIterable<SafeReading>,
  header: (entry: SafeEntry) => SafeEntry = (entry) => entry,
): ReadableStream<Uint8Array> {
  return ReadableStream.from(encoded(readings, header));
}

const ZEROS = new Uint8Array(BLOCK_BYTES);

/** In one generator, and without a wait for what is here: a tree of small files is mostly entries. */
async function* encoded(
  readings: AsyncIterable<SafeReading>,
  header: (entry: SafeEntry) => SafeEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  const joiner = createChunkJoiner();
  for await (const { entry, body, content } of readings) {
    const written = header(entry);
    joiner.add(encodeTarHeader({ ...written, name: `./${entry.name}`, target: archiveTarget(written) }));
    if (content !== undefined) joiner.add(content);
    else yield* joinedWith(joiner, body);
    joiner.add(ZEROS.subarray(0, paddingOf(entry.size)));
    const joined = joiner.take();
    if (joined !== undefined) yield joined;
  }
  joiner.add(encodeTarEnd());
  const rest = joiner.take({ all: true });
  if (rest !== undefined) yield rest;
}

async function* joinedWith(
  joiner: ChunkJoiner,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) {
    joiner.add(chunk);
    const joined = joiner.take();
    if (joined !== undefined) yield joined;
  }
}

function archiveTarget({ kind, target }: SafeEntry): string {
  return kind === 'hard-link' ? `./${target}` : target;
}
