import { JsonRpcError } from './json-rpc-error.ts';
import { createLineBuffer } from './line-buffer.ts';

/** The default ceiling of one line, without its end: 128 MiB. */
export const DEFAULT_MAX_LINE_BYTES: number = 128 * 1024 * 1024;
/** A line becomes one string, and V8 has none longer than 2^29 - 24 characters. */
const LARGEST_MAX_LINE_BYTES = 2 ** 29 - 24;
const NEWLINE = 0x0a;

export interface LineSplitter {
  /**
   * The lines that `chunk` completes: texts that hold one or more of them, parted by LF. Consume them all before the next call.
   * @throws {JsonRpcError} `line-too-long`, after the lines before that one; the splitter is of no use afterwards.
   */
  push(chunk: Uint8Array): Iterable<string>;
  /** What is left when no more bytes will come: a line without an end, or ''. */
  end(): string;
}

/**
 * Cuts bytes at line ends and decodes them. Bytes that are not UTF-8 become U+FFFD.
 *
 * Whole lines are decoded together, a chunk at a time: one call of the decoder a line takes as long as `JSON.parse` itself.
 * Decoding begins and ends at line ends, which lie within no UTF-8 character, so that nothing depends on where the chunks were cut.
 *
 * @throws {JsonRpcError} `invalid-option`.
 */
export function createLineSplitter(maxLineBytes: number = DEFAULT_MAX_LINE_BYTES): LineSplitter {
  if (!Number.isInteger(maxLineBytes) || maxLineBytes < 1 || maxLineBytes > LARGEST_MAX_LINE_BYTES) {
    const range = `a whole number from 1 to ${LARGEST_MAX_LINE_BYTES}`;
    throw new JsonRpcError('invalid-option', `maxLineBytes must be ${range}, got ${maxLineBytes}.`);
  }
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const begun = createLineBuffer(maxLineBytes);

  const keep = (bytes: Uint8Array): void => {
    if (begun.length + bytes.length > maxLineBytes) {
      const what = `A line has more than ${maxLineBytes} bytes`;
      throw new JsonRpcError(
        'line-too-long',
        `${what}, and was not read further. Raise maxLineBytes if that is to be expected.`,
      );
    }
    begun.append(bytes);
  };

  function* split(piece: Uint8Array): Generator<string, void, undefined> {
    let start = 0;
    if (begun.length > 0) {
      const end = piece.indexOf(NEWLINE);
      keep(end === -1 ? piece : piece.subarray(0, end));
      if (end === -1) return;
      yield decoder.decode(begun.take());
      start = end + 1;
    }
    const end = piece.lastIndexOf(NEWLINE);
    if (end > start) yield decoder.decode(piece.subarray(start, end));
    keep(piece.subarray(Math.max(start, end + 1)));
  }

  return {
    *push(chunk) {
      // No piece can hold a line above the ceiling, so that only a line which continues has to be measured.
      for (let at = 0; at < chunk.length; at += maxLineBytes)
        yield* split(chunk.subarray(at, at + maxLineBytes));
    },
    end: () => decoder.decode(begun.take()),
  };
}
