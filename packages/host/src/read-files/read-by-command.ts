import { readTar } from '../archive/tar-reader.ts';
import type { Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { type BatchBounds, placeOf } from '../sender/asks.ts';
import { type Answer, type Answers, exchange } from '../sender/exchange.ts';
import {
  type FileRange,
  type FileReading,
  nothingOf,
  type ReadFilesOptions,
  type ReadStatus,
  readingOf,
} from './file-reading.ts';
import { readByOperations } from './read-by-operations.ts';
import { READING_SCRIPT, readingCommand } from './reading-script.ts';

/** Larger parts are sent one by one. */
const SMALL_BYTES = 256 * 1024;
/** A batch is kept until it is known to be right … */
const BOUNDS: BatchBounds<FileRange> = {
  weigh: ({ offset = 0, length }) => (offset === 0 && length <= SMALL_BYTES ? length : undefined),
  maxWeight: 4 * 1024 * 1024,
  maxFiles: 256,
};
/** … but not when one of its files has grown, and it is larger than was asked for by so much. */
const MAX_SURPLUS_BYTES = 4 * 1024 * 1024;

/** Reads with one command on the host, where it has the tools for that; by file operations elsewhere. See `readFiles`. */
export function readByCommand(
  host: Host,
  root: HostPath,
  { files, signal }: ReadFilesOptions & { readonly files: AsyncIterable<FileRange> },
): AsyncGenerator<FileReading, void, undefined> {
  const stop = signal && { signal };
  return exchange(host, root, {
    attempt: `read files of ${root}`,
    files,
    bounds: BOUNDS,
    script: { functions: READING_SCRIPT, command: readingCommand },
    answers: readAnswers,
    otherwise: (rest) => readByOperations(host, root, { files: rest, ...stop }),
    ...stop,
  });
}

const STATUSES: Readonly<Record<string, Exclude<ReadStatus, 'read'>>> = {
  g: 'gone',
  u: 'unreadable',
  n: 'not-a-file',
};

function readAnswers(answer: Answer): Answers<FileRange, FileReading> {
  const part = async function* (
    range: FileRange,
    letter: string,
  ): AsyncGenerator<FileReading, void, undefined> {
    const status = STATUSES[letter];
    if (status !== undefined) {
      yield nothingOf(range, status);
      return;
    }
    const { reading, close } = readingOf(range, atMost(answer.content(), range.length));
    yield reading;
    await close();
    for await (const _ of answer.content());
    await answer.mark('e');
  };
  return {
    async *single(range) {
      yield* part(range, await answer.mark('fgun'));
    },
    async *batch({ ranges }) {
      let letter = await answer.mark('tfgun');
      if (letter === 't') {
        const archive = await collect(answer.content(), surplusOf(ranges));
        if (archive === undefined) return false;
        if ((await answer.mark('01')) === '0') {
          const contents = await contentsOf(archive, ranges);
          if (contents === undefined) return false;
          for (const [index, range] of ranges.entries()) yield* whole(range, contents[index]);
          return true;
        }
        letter = await answer.mark('fgun');
      }
      for (const [index, range] of ranges.entries()) {
        if (index > 0) letter = await answer.mark('fgun');
        yield* part(range, letter);
      }
      return true;
    },
  };
}
/** The first bytes; the others are read too. */
async function* atMost(
  chunks: AsyncIterable<Uint8Array>,
  bytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = bytes;
  for await (const chunk of chunks) {
    // What is given is the taker's, who may take its memory away.
    const taken = Math.min(left, chunk.length);
    left -= taken;
    if (taken > 0) yield chunk.subarray(0, taken);
  }
}

function surplusOf(ranges: readonly FileRange[]): number {
  // A header, and a second one with the name where that is long.
  return ranges.reduce((sum, { length }) => sum + length + 4 * 512, MAX_SURPLUS_BYTES);
}

async function collect(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<readonly Uint8Array[] | undefined> {
  const collected: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    collected.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
  }
  return collected;
}

/** What the archive holds of each file; `undefined` when it does not hold just them. */
async function contentsOf(
  archive: readonly Uint8Array[],
  ranges: readonly FileRange[],
): Promise<readonly (readonly Uint8Array[])[] | undefined> {
  const contents: (readonly Uint8Array[])[] = [];
  try {
    for await (const { entry, body } of readTar(ReadableStream.from(archive))) {
      const range = ranges[contents.length];
      if (range === undefined || entry.kind !== 'file' || entry.name !== placeOf(range).name)
        return undefined;
      contents.push(await Array.fromAsync(body));
    }
  } catch (failure) {
    // Something else than a file has come into the place of one.
    if (failure instanceof HostError && failure.code === 'invalid-archive') return undefined;
    throw failure;
  }
  return contents.length === ranges.length ? contents : undefined;
}

async function* whole(
  range: FileRange,
  content: readonly Uint8Array[] = [],
): AsyncGenerator<FileReading, void, undefined> {
  const chunks = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    yield* content;
  };
  const { reading, close } = readingOf(range, atMost(chunks(), range.length));
  yield reading;
  await close();
}
