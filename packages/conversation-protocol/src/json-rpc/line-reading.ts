import { type JsonLine, parseJsonLines, parseLastJsonLine } from './json-line.ts';
import { JsonRpcError } from './json-rpc-error.ts';
import { createLineSplitter } from './line-splitter.ts';

/** A stream that is being read line by line, from the moment this is made. */
export interface LineReading {
  /** Settles when the stream has ended: with its error (`line-too-long`, `read-failed`), or undefined at its proper end. Never rejects. */
  readonly ended: Promise<JsonRpcError | undefined>;
  /** From now on reads to the end without delivering anything, so that the writer is not held up; a handler is not waited for any more. */
  discard(): void;
  /** Lets go of the stream. */
  cancel(reason: unknown): void;
}

export interface LineReadingOptions {
  readonly maxLineBytes: number | undefined;
  /** Called with every line in its order. While the promise that it may return is pending nothing more is read. Never throws. */
  readonly onLine: (line: JsonLine) => Promise<void> | undefined;
}

/** @throws {JsonRpcError} `invalid-option`. */
export function startLineReading(
  readable: ReadableStream<Uint8Array>,
  options: LineReadingOptions,
): LineReading {
  const splitter = createLineSplitter(options.maxLineBytes);
  const reader = readable.getReader();
  let discarding = false;
  let stopWaiting = (): void => {};

  const deliver = async (lines: Iterable<JsonLine>): Promise<void> => {
    for (const line of lines) {
      if (discarding) return;
      const handled = options.onLine(line);
      // The handler itself may have called `discard`.
      if (handled === undefined || discarding) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      stopWaiting = resolve;
      handled.then(resolve, resolve);
      await promise;
    }
  };

  const read = async (): Promise<JsonRpcError | undefined> => {
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        if (discarding) continue;
        for (const text of splitter.push(value)) await deliver(parseJsonLines(text));
      }
      const last = parseLastJsonLine(splitter.end());
      if (last !== undefined) await deliver([last]);
      return undefined;
    } catch (cause) {
      if (cause instanceof JsonRpcError) return cause;
      return new JsonRpcError('read-failed', 'The connection could not be read any more.', { cause });
    }
  };

  return {
    ended: read(),
    discard() {
      discarding = true;
      stopWaiting();
    },
    cancel(reason) {
      reader.cancel(reason).catch(() => {});
    },
  };
}
