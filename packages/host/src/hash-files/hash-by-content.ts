import { createHash } from 'node:crypto';
import type { FileRange, FileReading } from '../read-files/file-reading.ts';
import type { FileHash, HashRange } from './file-hash.ts';

/** Hashes here what `read` reads. */
export async function* hashByContent(
  files: AsyncIterable<HashRange>,
  read: (ranges: AsyncIterable<FileRange>) => AsyncIterable<FileReading>,
): AsyncGenerator<FileHash, void, undefined> {
  for await (const { relativePath, status, body } of read(withLengths(files))) {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    yield { relativePath, sha256: status === 'read' ? hash.digest('hex') : undefined, bytes };
  }
}

async function* withLengths(files: AsyncIterable<HashRange>): AsyncGenerator<FileRange, void, undefined> {
  for await (const { length = Number.MAX_SAFE_INTEGER, ...file } of files) yield { ...file, length };
}
