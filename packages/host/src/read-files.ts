import { throwIfAborted } from './abort.ts';
import type { Host, HostFiles } from './host.ts';
import type { HostPath } from './host-path.ts';
import { checkedRanges } from './read-files/checked-ranges.ts';
import type { FileRange, FileReading, ReadFilesOptions } from './read-files/file-reading.ts';
import { readByCommand } from './read-files/read-by-command.ts';
import { readByOperations } from './read-files/read-by-operations.ts';

export type { FileRange, FileReading, ReadFilesOptions, ReadStatus } from './read-files/file-reading.ts';

/**
 * Parts of many files below a folder, in the order in which they are asked for: each is one item, with its bytes in `body`. Files are read some way ahead of
 * who takes them, in bounded memory whatever their number and sizes. A file that shrinks, grows, vanishes or may not be read makes its own item say so.
 *
 * A symbolic link is not followed, neither at a file nor at a folder on the way to it, also when a process on the host exchanges one for the other meanwhile:
 * what lies outside of `root` is never read (for a folder on the way that holds on Linux, where the program has a shell or is the host itself).
 * A file may change while it is read; compare its `changedMs` before and after where that matters.
 *
 * @param files Taken one after the other, ahead of what is given: it may not wait for an item of its own.
 * @throws {HostError} `invalid-path` for a path that is absolute, empty, or holds `.`, `..` or NUL; `not-found` (the folder), `aborted`, `host-lost`, `io`.
 */
export async function* readFiles(
  host: HostFiles | Host,
  root: HostPath,
  files: Iterable<FileRange> | AsyncIterable<FileRange>,
  options: ReadFilesOptions = {},
): AsyncGenerator<FileReading, void, undefined> {
  throwIfAborted(options.signal, `read files of ${root}`);
  if ('readFiles' in host && host.readFiles !== undefined)
    yield* host.readFiles(root, checkedRanges(files), options);
  else if ('spawn' in host) yield* readByCommand(host, root, { ...options, files: checkedRanges(files) });
  else yield* readByOperations(host, root, { ...options, files: checkedRanges(files) });
}
