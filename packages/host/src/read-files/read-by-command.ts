import { throwIfAborted } from '../abort.ts';
import { readTar } from '../archive/tar-reader.ts';
import type { Host } from '../host.ts';
import { HostError, type HostErrorCode } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { type Asks, createAsks, rangesOf } from './asks.ts';
import {
  type FileRange,
  type FileReading,
  nothingOf,
  type ReadFilesOptions,
  type ReadStatus,
  readingOf,
} from './file-reading.ts';
import { readByOperations } from './read-by-operations.ts';
import { openSender, type Sender } from './sender.ts';
import { type Ask, type Batch, placeOf } from './sending-script.ts';

/** Where these come, there is no such command; the file operations say what is wrong. */
const UNABLE: readonly HostErrorCode[] = ['command-not-found', 'command-not-executable', 'unsupported'];
/** A batch is not kept when it is so much larger than was asked for. */
const MAX_SURPLUS_BYTES = 4 * 1024 * 1024;

/**
 * Reads with one command on the host, where it has a shell and GNU's or BusyBox's tools; by file operations elsewhere. See `readFiles`. Where it is seen only
 * afterwards that a batch cannot be used, as one of its files has grown beyond all measure, a second command reads on.
 */
export async function* readByCommand(
  host: Host,
  root: HostPath,
  { files, signal }: ReadFilesOptions & { readonly files: AsyncIterable<FileRange> },
): AsyncGenerator<FileReading, void, undefined> {
  const asks = createAsks(files);
  try {
    for (;;) {
      const end = yield* readOnce(host, root, { asks, signal });
      if (end === 'done') return;
      if (end === 'unable') {
        yield* readByOperations(host, root, { files: flat(asks), ...(signal && { signal }) });
        return;
      }
      asks.putBack(end);
    }
  } finally {
    await asks.close();
  }
}

async function* flat(asks: Asks): AsyncGenerator<FileRange, void, undefined> {
  for (let ask = await asks.next(); ask !== undefined; ask = await asks.next()) yield* rangesOf(ask);
}

/** Gives what must be asked again, if anything. */
async function* readOnce(
  host: Host,
  root: HostPath,
  { asks, signal }: { readonly asks: Asks; readonly signal: AbortSignal | undefined },
): AsyncGenerator<FileReading, 'done' | 'unable' | readonly Ask[], undefined> {
  const attempt = `read files of ${root}`;
  let opened: Sender;
  try {
    opened = await openSender(host, root, { asks, signal });
  } catch (failure) {
    if (failure instanceof HostError && UNABLE.includes(failure.code)) return 'unable';
    throw failure;
  }
  await using sender = opened;
  const answers = createAnswers(sender, attempt);
  if ((await sender.stream.mark()) !== 's') {
    throwIfAborted(signal, attempt);
    asks.putBack(await sender.stop());
    return 'unable';
  }
  try {
    for (let ask = await sender.next(); ask !== undefined; ask = await sender.next()) {
      throwIfAborted(signal, attempt);
      const isRight = yield* ask.kind === 'single' ? answers.single(ask.range) : answers.batch(ask);
      if (isRight) continue;
      const again = rangesOf(ask).map((range): Ask => ({ kind: 'single', range }));
      return [...again, ...(await sender.stop())];
    }
    return 'done';
  } catch (failure) {
    throwIfAborted(signal, attempt);
    throw failure;
  }
}

interface Answers {
  readonly single: (range: FileRange) => AsyncGenerator<FileReading, boolean, undefined>;
  /** Whether it was right. If not, nothing was given. */
  readonly batch: (batch: Batch) => AsyncGenerator<FileReading, boolean, undefined>;
}

const STATUSES: Readonly<Record<string, Exclude<ReadStatus, 'read'>>> = {
  g: 'gone',
  u: 'unreadable',
  n: 'not-a-file',
};

function createAnswers(sender: Sender, attempt: string): Answers {
  const { stream } = sender;
  const expect = async (letters: string): Promise<string> => {
    const letter = await stream.mark();
    if (letter === undefined || !letters.includes(letter)) throw await sender.failure(attempt);
    return letter;
  };
  const part = async function* (
    range: FileRange,
    letter: string,
  ): AsyncGenerator<FileReading, void, undefined> {
    const status = STATUSES[letter];
    if (status !== undefined) {
      yield nothingOf(range, status);
      return;
    }
    const { reading, close } = readingOf(range, atMost(stream.content(), range.length));
    yield reading;
    await close();
    for await (const _ of stream.content());
    await expect('e');
  };
  return {
    async *single(range) {
      yield* part(range, await expect('fgun'));
      return true;
    },
    async *batch({ ranges }) {
      const first = await expect('tfgun');
      if (first === 't') {
        const archive = await collect(stream.content(), surplusOf(ranges));
        if (archive === undefined) return false;
        if ((await expect('01')) === '0') {
          const contents = await contentsOf(archive, ranges);
          if (contents === undefined) return false;
          for (const [index, range] of ranges.entries()) yield* whole(range, contents[index]);
          return true;
        }
      }
      for (const [index, range] of ranges.entries()) {
        yield* part(range, index === 0 && first !== 't' ? first : await expect('fgun'));
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
    if (left > 0) yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
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
      if (range === undefined || entry.kind !== 'file' || entry.name !== placeOf(range.relativePath).name)
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
