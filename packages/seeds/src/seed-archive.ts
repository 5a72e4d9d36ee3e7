import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { SeedError } from './seed-error.ts';

/** The files of a seed, by path relative to the home. */
export type SeedContent = ReadonlyMap<string, Uint8Array>;

/** Bytes that one file of a seed may have. A login has a few thousand. */
export const MAX_FILE_BYTES: number = 1024 * 1024;
/** Bytes that a whole seed may have, unpacked. */
export const MAX_CONTENT_BYTES: number = 4 * 1024 * 1024;

/** A seed as it is stored: a compressed tar whose members are named exactly as their paths, all of mode 0600. */
export async function packSeed(content: SeedContent): Promise<Uint8Array> {
  const tar = pack();
  for (const [name, bytes] of content)
    tar.entry({ name, mode: 0o600, mtime: new Date(0) }, Buffer.from(bytes));
  tar.finalize();
  const chunks: Uint8Array[] = [];
  for await (const chunk of tar as AsyncIterable<Uint8Array>) chunks.push(chunk);
  // A few thousand bytes: a thread would take longer to be asked.
  return gzipSync(Buffer.concat(chunks));
}

/**
 * What {@link packSeed} packed, or another program: of two members of one name the last counts, `./` in front of a name is left out,
 * and whatever is no file is passed over.
 *
 * @throws {SeedError} `unreadable`, `too-large`.
 */
export async function unpackSeed(archive: Uint8Array): Promise<SeedContent> {
  try {
    const plain = gunzipSync(archive, { maxOutputLength: MAX_CONTENT_BYTES });
    const tar = extract();
    Readable.from([plain]).pipe(tar);
    const content = new Map<string, Uint8Array>();
    for await (const entry of tar) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of entry as AsyncIterable<Uint8Array>) chunks.push(chunk);
      const type = entry.header.type ?? 'file';
      if (type === 'file' || type === 'contiguous-file')
        content.set(entry.header.name.replace(/^(?:\.\/)+/, ''), Buffer.concat(chunks));
    }
    return content;
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new SeedError('too-large', `What is stored unpacks to more than ${MAX_CONTENT_BYTES} bytes.`, {
        cause,
      });
    }
    throw new SeedError(
      'unreadable',
      'What is stored is no compressed tar. If another program seals it, give the store the same codec.',
      { cause },
    );
  }
}
