import { randomBytes } from 'node:crypto';
import { throwIfAborted } from '../abort.ts';
import { collectBytes } from '../collect-bytes.ts';
import { describeExit, outputTail } from '../command-story.ts';
import type { Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import { encodeHostPathBytes } from '../host-path-bytes.ts';
import { type ByteReader, createByteReader } from './byte-reader.ts';
import { PLAIN_LOCALE } from './host-tar.ts';
import { joinChunks } from './join-chunks.ts';

export interface WantedFile {
  /** From the folder, without a leading slash. */
  readonly relativePath: string;
  readonly size: number;
}

/** What of a file there is to read: as many bytes as were wanted, with zeros for those that it has no more. */
export type FileContent = AsyncIterable<Uint8Array> | 'gone' | 'unreadable';

export interface FileContents extends AsyncDisposable {
  /** That of the next file. What is not read of one is skipped. */
  next(): Promise<FileContent>;
}

const CHUNK_BYTES = 64 * 1024;
const MAX_MESSAGE_BYTES = 64 * 1024;

/**
 * The contents of files of a folder, in their order, sent by one command that needs no more than a POSIX shell, head and xargs on a host with /proc.
 *
 * @throws {HostError} `io` when what comes is not what was asked for.
 */
export async function openFileContents(
  host: Host,
  folder: HostPath,
  { files, signal }: { readonly files: readonly WantedFile[]; readonly signal?: AbortSignal },
): Promise<FileContents> {
  const token = randomBytes(8).toString('hex');
  const process = await host.spawn(
    { argv: ['xargs', '-0', 'sh', '-c', SEND_EACH, token], cwd: folder, env: PLAIN_LOCALE },
    signal === undefined ? {} : { signal },
  );
  // How it ends says why it takes no more.
  ReadableStream.from(joinChunks(requests(files)))
    .pipeTo(process.stdin)
    .catch(() => undefined);
  const messages = collectBytes(process.stderr, { maxBytes: MAX_MESSAGE_BYTES, keep: 'end' });
  messages.catch(() => undefined);
  const reader = createByteReader(process.stdout[Symbol.asyncIterator]());
  const pending = files[Symbol.iterator]();
  let skip = async (): Promise<void> => undefined;
  let left = files.length;
  const atEnd = async (): Promise<boolean> => {
    try {
      await skip();
      return (await reader.upTo(1)) === undefined;
    } catch {
      return false;
    }
  };
  return {
    async next() {
      throwIfAborted(signal, `read the files of ${folder}`);
      await skip();
      left -= 1;
      const { value: file } = pending.next();
      if (file === undefined) throw new HostError('io', `No more files of ${folder} were asked for.`);
      const head = Buffer.from(await reader.exactly(token.length + 1)).toString('latin1');
      const state = head.startsWith(token) ? STATES[head.slice(-1)] : undefined;
      if (state === undefined) {
        const exit = await process.end({ from: 'kill' });
        throwIfAborted(signal, `read the files of ${folder}`);
        if (exit.kind === 'lost') throw exit.cause;
        const said = outputTail(Buffer.from((await messages).bytes).toString());
        const story = `the command that sends the files ${describeExit(exit)}${said}`;
        throw new HostError('io', `Could not read ${JSON.stringify(file.relativePath)}: ${story}`);
      }
      if (state !== 'there') return state;
      const body = take(reader, file);
      skip = async () => {
        for await (const _ of body);
      };
      return body;
    },
    async [Symbol.asyncDispose]() {
      // With the last content it ends by itself.
      if (left <= 0 && (await atEnd())) return;
      await process.end({ from: 'kill' });
      await process[Symbol.asyncDispose]();
    },
  };
}

const STATES: Readonly<Record<string, 'there' | 'gone' | 'unreadable'>> = {
  f: 'there',
  g: 'gone',
  u: 'unreadable',
};

/**
 * Each argument is a size and a name. Before each content stands $0, a word that no content can hold by chance, and what became of the file.
 * How much of it was read is known from the position of the descriptor, which the shell and head share.
 */
const SEND_EACH = `
for one; do
  size=\${one%% *} name=\${one#* }
  if [ ! -f "$name" ] || [ -L "$name" ]; then
    printf '%sg' "$0"
  elif [ ! -r "$name" ]; then
    printf '%su' "$0"
  else
    {
      printf '%sf' "$0"
      if [ "$size" -gt 0 ]; then
        head -c "$size" <&3
        read -r key at </proc/self/fdinfo/3 || exit 255
        [ "$at" -ge "$size" ] || head -c $((size - at)) /dev/zero
      fi
      :
    } 3<"$name" || printf '%su' "$0"
  fi
done`;

function* requests(files: readonly WantedFile[]): Generator<Uint8Array> {
  for (const { relativePath, size } of files) yield encodeHostPathBytes(`${size} ./${relativePath}\0`);
}

async function* take(reader: ByteReader, file: WantedFile): AsyncGenerator<Uint8Array, void, undefined> {
  let missing = file.size;
  while (missing > 0) {
    const chunk = await reader.upTo(Math.min(missing, CHUNK_BYTES));
    if (chunk === undefined)
      throw new HostError(
        'io',
        `Could not read all of ${JSON.stringify(file.relativePath)}: it ended early.`,
      );
    missing -= chunk.length;
    yield chunk;
  }
}
