import { throwIfAborted } from './abort.ts';
import type { FileHash, HashFilesOptions, HashRange } from './hash-files/file-hash.ts';
import { hashByCommand } from './hash-files/hash-by-command.ts';
import { hashByContent } from './hash-files/hash-by-content.ts';
import type { Host, HostFiles } from './host.ts';
import type { HostPath } from './host-path.ts';
import { checkedRanges } from './read-files/checked-ranges.ts';
import { readByOperations } from './read-files/read-by-operations.ts';

export type { FileHash, HashFilesOptions, HashRange } from './hash-files/file-hash.ts';

/**
 * The SHA-256 of many files below a folder, or of parts of them, in the order in which they are asked for. The host hashes them itself where it has the tools
 * for that: then no content is sent. Neighbours of one folder that are wanted in whole, with the size that they have as their `length` or with none, are hashed
 * together.
 *
 * A symbolic link is not followed, as with `readFiles`; but somebody who exchanges a file for a link and back while it is hashed on another machine may have
 * made it the hash of another file.
 *
 * @param files Taken one after the other, ahead of what is given: it may not wait for an item of its own.
 * @throws {HostError} `invalid-path` for a path that is absolute, empty, or holds `.`, `..` or NUL; `not-found` (the folder), `aborted`, `host-lost`, `io`.
 */
export async function* hashFiles(
  host: HostFiles | Host,
  root: HostPath,
  files: Iterable<HashRange> | AsyncIterable<HashRange>,
  options: HashFilesOptions = {},
): AsyncGenerator<FileHash, void, undefined> {
  throwIfAborted(options.signal, `hash files of ${root}`);
  const ranges = checkedRanges(files);
  const readHere = 'readFiles' in host ? host.readFiles : undefined;
  if (readHere !== undefined) yield* hashByContent(ranges, (wanted) => readHere(root, wanted, options));
  else if ('spawn' in host) yield* hashByCommand(host, root, { ...options, files: ranges });
  else yield* hashByContent(ranges, (wanted) => readByOperations(host, root, { ...options, files: wanted }));
}
