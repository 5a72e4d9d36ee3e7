import type { SafeEntry } from './archive-guard.ts';
import type { SafeReading } from './extract-by-files.ts';
import { joinChunks } from './join-chunks.ts';
import { paddingOf } from './tar-entry.ts';
import { encodeTarEnd, encodeTarHeader } from './tar-header.ts';

/** Writes entries that were found harmless as an archive, in the plainest form: what a host's own tar is given to unpack. `header` changes what it says of one. */
export function encodeArchive(
  readings: AsyncIterable<SafeReading>,
  header: (entry: SafeEntry) => SafeEntry = (entry) => entry,
): ReadableStream<Uint8Array> {
  return ReadableStream.from(joinChunks(encoded(readings, header)));
}

async function* encoded(
  readings: AsyncIterable<SafeReading>,
  header: (entry: SafeEntry) => SafeEntry,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { entry, body } of readings) {
    const written = header(entry);
    yield encodeTarHeader({ ...written, name: `./${entry.name}`, target: archiveTarget(written) });
    yield* body;
    yield new Uint8Array(paddingOf(entry.size));
  }
  yield encodeTarEnd();
}

function archiveTarget({ kind, target }: SafeEntry): string {
  return kind === 'hard-link' ? `./${target}` : target;
}
