import { encodeArchive } from './encode-archive.ts';
import type { TarEntry } from './tar-entry.ts';

/** What goes into an archive that is made here. */
export interface ArchiveEntry extends TarEntry {
  /** Relative, with bytes that are not UTF-8 as in `HostPath`; `.` for the folder itself. */
  readonly name: string;
  /** The bytes of a file: exactly `size` of them. Read when it is this entry's turn. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** A tar archive of what is not on any host, in the plainest form; `unpackDirectory` puts it on one. A body that fails errors the stream. */
export function packEntries(entries: AsyncIterable<ArchiveEntry>): ReadableStream<Uint8Array> {
  return encodeArchive(readings(entries));
}

async function* readings(
  entries: AsyncIterable<ArchiveEntry>,
): AsyncGenerator<{ readonly entry: TarEntry; readonly body: AsyncIterable<Uint8Array> }, void, undefined> {
  for await (const { body, ...entry } of entries) yield { entry, body };
}
