const EXCERPT_CHARACTERS = 200;

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

/** The lines of a text of whole lines parted by LF or CRLF. Blank ones are skipped. */
export function* parseJsonLines(text: string): Generator<JsonLine, void, undefined> {
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    const line = parseJsonLine(text.slice(start, end));
    if (line !== undefined) yield line;
    start = end + 1;
  }
  const line = parseJsonLine(text.slice(start));
  if (line !== undefined) yield line;
}

/** The last line of a stream, which has no end of its own. */
export function parseLastJsonLine(text: string): JsonLine | undefined {
  const line = parseJsonLine(text);
  return line?.kind === 'garbage' ? { ...line, kind: 'truncated' } : line;
}

function parseJsonLine(text: string): JsonLine | undefined {
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
