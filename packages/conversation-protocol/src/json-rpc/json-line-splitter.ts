import { JsonRpcError } from './json-rpc-error.ts';
import { createLineBuffer } from './line-buffer.ts';

/** The default ceiling of one line, without its end: 128 MiB. */
export const DEFAULT_MAX_LINE_BYTES: number = 128 * 1024 * 1024;
/** A line becomes one string, and V8 has none longer than 2^29 - 24 characters. */
const LARGEST_MAX_LINE_BYTES = 2 ** 29 - 24;
const EXCERPT_CHARACTERS = 200;
const NEWLINE = 0x0a;

/** A line that is not JSON. */
export interface BadLine {
  /** Its first 200 characters. */
  readonly text: string;
  /** Length of the line as UTF-8. */
  readonly bytes: number;
}

/** `truncated` is the last line, without an end and not valid JSON: the writer stopped within it. */
export type JsonLine =
  | { readonly kind: 'value'; readonly value: unknown }
  | ({ readonly kind: 'garbage' } & BadLine)
  | ({ readonly kind: 'truncated' } & BadLine);

export interface JsonLineSplitter {
  /**
   * The lines that `chunk` completes. Consume them all before the next call.
   * @throws {JsonRpcError} `line-too-long`, after the lines before that one; the splitter is of no use afterwards.
   */
  push(chunk: Uint8Array): Iterable<JsonLine>;
  /** What is left when no more bytes will come. */
  end(): JsonLine | undefined;
}

/**
 * Cuts bytes into lines and parses each as JSON. Lines end in LF or CRLF; blank ones are skipped. Bytes that are not UTF-8 become U+FFFD.
 *
 * Whole lines are decoded together, a chunk at a time: one call of the decoder a line takes longer than `JSON.parse` itself.
 * Decoding begins and ends at line ends, which lie within no UTF-8 character, so that nothing depends on where the chunks were cut.
 *
 * @throws {JsonRpcError} `invalid-option`.
 */
export function createJsonLineSplitter(maxLineBytes: number = DEFAULT_MAX_LINE_BYTES): JsonLineSplitter {
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

  function* splitPiece(piece: Uint8Array): Generator<JsonLine, void, undefined> {
    let start = 0;
    if (begun.length > 0) {
      const end = piece.indexOf(NEWLINE);
      keep(end === -1 ? piece : piece.subarray(0, end));
      if (end === -1) return;
      const line = parseLine(decoder.decode(begun.take()));
      if (line !== undefined) yield line;
      start = end + 1;
    }
    const end = piece.lastIndexOf(NEWLINE) + 1;
    if (end > start) yield* parseLines(decoder.decode(piece.subarray(start, end)));
    keep(piece.subarray(Math.max(start, end)));
  }

  return {
    *push(chunk) {
      // No piece can hold a line above the ceiling, so that only a line which continues has to be measured.
      for (let at = 0; at < chunk.length; at += maxLineBytes) {
        yield* splitPiece(chunk.subarray(at, at + maxLineBytes));
      }
    },
    end() {
      const line = parseLine(decoder.decode(begun.take()));
      return line?.kind === 'garbage' ? { ...line, kind: 'truncated' } : line;
    },
  };
}

function* parseLines(text: string): Generator<JsonLine, void, undefined> {
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    const line = parseLine(text.slice(start, end));
    if (line !== undefined) yield line;
    start = end + 1;
  }
}

function parseLine(text: string): JsonLine | undefined {
  // A CR at the end is white space to JSON.parse.
  if (text === '' || text === '\r') return undefined;
  try {
    return { kind: 'value', value: JSON.parse(text) };
  } catch {
    return text.trim() === '' ? undefined : { kind: 'garbage', ...badLine(text) };
  }
}

function badLine(line: string): BadLine {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  // Through JSON, because a plain slice would keep the whole text that it was cut from alive.
  const excerpt: string = JSON.parse(JSON.stringify(text.slice(0, EXCERPT_CHARACTERS)));
  return { text: excerpt, bytes: new TextEncoder().encode(text).length };
}
