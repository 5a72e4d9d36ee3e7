import { collectBytes } from '../collect-bytes.ts';
import type { Host } from '../host.ts';
import type { HostPath } from '../host-path.ts';
import { readByOperations } from '../read-files/read-by-operations.ts';
import type { BatchBounds } from '../sender/asks.ts';
import { type Answer, type Answers, exchange } from '../sender/exchange.ts';
import { EMPTY_SHA256, type FileHash, type HashFilesOptions, type HashRange } from './file-hash.ts';
import { hashByContent } from './hash-by-content.ts';
import { HASHING_SCRIPT, hashingCommand } from './hashing-script.ts';

const BOUNDS: BatchBounds<HashRange> = {
  // BusyBox's sha256sum prints a name as it is, and each is to be one line.
  weigh: ({ relativePath, offset = 0, length = 0 }) =>
    offset === 0 && !relativePath.includes('\n') ? length : undefined,
  // What changes is hashed twice.
  maxWeight: 64 * 1024 * 1024,
  maxFiles: 256,
  areAlike: (one, other) => (one.length === undefined) === (other.length === undefined),
};
const MAX_ANSWER_BYTES = 2 * 1024 * 1024;

/** Hashes with one command on the host, where it has the tools for that; elsewhere here, with the file operations. See `hashFiles`. */
export function hashByCommand(
  host: Host,
  root: HostPath,
  { files, signal }: HashFilesOptions & { readonly files: AsyncIterable<HashRange> },
): AsyncGenerator<FileHash, void, undefined> {
  const stop = signal && { signal };
  return exchange(host, root, {
    attempt: `hash files of ${root}`,
    files,
    bounds: BOUNDS,
    script: { functions: HASHING_SCRIPT, command: hashingCommand },
    answers: hashAnswers,
    otherwise: (rest) =>
      hashByContent(rest, (ranges) => readByOperations(host, root, { files: ranges, ...stop })),
    ...stop,
  });
}

function hashAnswers(answer: Answer): Answers<HashRange, FileHash> {
  const text = async (): Promise<string> => {
    const stream = ReadableStream.from(answer.content());
    const { bytes } = await collectBytes(stream, { maxBytes: MAX_ANSWER_BYTES, keep: 'end' });
    return Buffer.from(bytes).toString('latin1');
  };
  const part = async (range: HashRange, letter: string): Promise<FileHash> => {
    if (letter !== 'f') return { relativePath: range.relativePath, sha256: undefined, bytes: 0 };
    const said = await text();
    await answer.mark('e');
    return partOf(range, said);
  };
  return {
    async *single(range) {
      yield await part(range, await answer.mark('fgun'));
    },
    async *batch({ ranges }) {
      let letter = await answer.mark('tfgun');
      if (letter === 't') {
        const said = await text();
        if ((await answer.mark('01')) === '0') {
          const hashes = batchOf(ranges, said);
          yield* hashes;
          return hashes.length > 0;
        }
        letter = await answer.mark('fgun');
      }
      for (const [index, range] of ranges.entries()) {
        if (index > 0) letter = await answer.mark('fgun');
        yield await part(range, letter);
      }
      return true;
    },
  };
}

/** A line of sha256sum begins with a backslash where a name has been made printable. */
const HASH_LINE = /^\\?([0-9a-f]{64}) /;

function partOf({ relativePath, offset = 0 }: HashRange, said: string): FileHash {
  const [line = '', position = ''] = said.split('\n');
  const sha256 = HASH_LINE.exec(line)?.[1];
  if (sha256 === undefined || !/^\d+$/.test(position)) return { relativePath, sha256: undefined, bytes: 0 };
  return { relativePath, sha256, bytes: sha256 === EMPTY_SHA256 ? 0 : Number(position) - offset };
}

/** Nothing when the answer is not of just these files. */
function batchOf(ranges: readonly HashRange[], said: string): readonly FileHash[] {
  const lines = said.split('\n');
  if (lines.length !== 2 * ranges.length) return [];
  return ranges.map(({ relativePath }, index) => ({
    relativePath,
    sha256: HASH_LINE.exec(lines[index] ?? '')?.[1],
    bytes: Number(lines[ranges.length + index]),
  }));
}
