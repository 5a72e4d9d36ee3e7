import { type JsonLine, parseJsonLines, parseLastJsonLine } from './json-line.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { createLineSplitter, DEFAULT_MAX_LINE_BYTES } from './line-splitter.ts';

export interface ReadJsonLinesOptions {
  /** The ceiling of one line in bytes, without its end. 128 MiB by default. */
  readonly maxLineBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * The lines of a stream of JSON lines, as they come. What is not JSON is an item too, so that one stray line does not end the reading;
 * blank lines are skipped. The last line needs no end: it is given as a `value` if it is JSON, else as `truncated`.
 * (Of a line that ends in the middle of a number, `12` of `123`, nobody can see that it was longer.)
 *
 * The stream is cancelled when the reader stops early or an error ends it.
 *
 * @throws {JsonRpcError} `line-too-long`, `read-failed` (the stream failed: see `cause`), `aborted`, `invalid-option`.
 */
export async function* readJsonLines(
  readable: ReadableStream<Uint8Array>,
  { maxLineBytes = DEFAULT_MAX_LINE_BYTES, signal }: ReadJsonLinesOptions = {},
): AsyncGenerator<JsonLine, void, undefined> {
  const splitter = createLineSplitter(maxLineBytes);
  const reader = readable.getReader();
  const cancel = (): void => void reader.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      throwIfAborted(signal);
      const chunk = await readChunk(reader);
      throwIfAborted(signal);
      if (chunk === undefined) break;
      for (const text of splitter.push(chunk)) yield* parseJsonLines(text);
    }
    const last = parseLastJsonLine(splitter.end());
    if (last !== undefined) yield last;
  } finally {
    signal?.removeEventListener('abort', cancel);
    cancel();
    reader.releaseLock();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new JsonRpcError('aborted', 'Told to stop reading lines.', { cause: signal.reason });
}

/** Undefined at the end. */
async function readChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
  try {
    const { done, value } = await reader.read();
    return done ? undefined : value;
  } catch (cause) {
    throw new JsonRpcError('read-failed', 'The stream of lines failed before its end.', { cause });
  }
}
