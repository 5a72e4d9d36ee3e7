import { styleText } from 'node:util';
import wrapAnsi from 'wrap-ansi';
import { visibleText } from './visible-text.ts';

export type Style = Extract<Parameters<typeof styleText>[0], string>;

/** Where the page is printed: standard output, or what a test collects. */
export interface PageStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface BlockOptions {
  /** Stands before the first line; the lines after it are indented by as much, or begin with `gutter`. Ours, so it is printed as it is. */
  readonly mark?: string;
  /** Stands before every line but the first, and before that too when there is no mark. As wide as the mark. */
  readonly gutter?: string;
  /** Of the text. */
  readonly style?: Style | undefined;
  readonly markStyle?: Style;
}

/** What is printed, line by line. All text is made harmless before it is printed; see `visibleText`. */
export interface Page {
  /** Whether a line can be rewritten in place. */
  readonly live: boolean;
  /** Prints a text, wrapped to the width that the terminal has now. */
  block(text: string, options?: BlockOptions): void;
  blank(): void;
  /** A line that the next one replaces; on a page that is not live, nothing. */
  status(text: string): void;
  /** Takes that line away. */
  clearStatus(): void;
  /** A question: no line feed follows it. */
  question(text: string): void;
}

/** No line is longer than this, because long lines read badly. */
const widest = 100;
const narrowest = 20;

export function createPage(stream: PageStream, env: { readonly TERM?: string | undefined } = {}): Page {
  const live = stream.isTTY === true && env.TERM !== 'dumb';
  let statusShown = false;

  // Where there is no terminal, lines are left as long as they are: whatever reads them can wrap them.
  const width = (): number =>
    stream.isTTY === true
      ? Math.max(narrowest, Math.min(stream.columns || 80, widest))
      : Number.POSITIVE_INFINITY;
  const paint = (text: string, style: Style | undefined): string =>
    style === undefined || text === '' ? text : styleText(style, text, { stream });

  function clearStatus(): void {
    if (statusShown) stream.write('\r\u001b[K');
    statusShown = false;
  }

  return {
    live,
    block(text, { mark = '', gutter, style, markStyle } = {}) {
      clearStatus();
      const indent = gutter ?? ' '.repeat(mark.length);
      const room = width() - Math.max(mark.length, indent.length);
      wrapped(visibleText(text), room).forEach((line, index) => {
        const before = index === 0 && mark !== '' ? mark : indent;
        stream.write(`${paint(before, markStyle)}${paint(line, style)}`.trimEnd());
        stream.write('\n');
      });
    },
    blank() {
      clearStatus();
      stream.write('\n');
    },
    status(text) {
      if (!live) return;
      const [line = ''] = wrapped(visibleText(text), width() - 1);
      stream.write(`\r\u001b[K${paint(line, 'dim')}`);
      statusShown = true;
    },
    clearStatus,
    question(text) {
      clearStatus();
      stream.write(paint(text, 'bold'));
    },
  };
}

function wrapped(text: string, room: number): readonly string[] {
  const lines = text.split('\n');
  if (!Number.isFinite(room)) return lines;
  return lines.flatMap((line) => {
    // Indentation stays, but the space at which a line was broken does not begin the next.
    const [first = '', ...others] = wrapAnsi(line, room, { hard: true, trim: false }).split('\n');
    return [first, ...others.map((other) => other.replace(/^ /, ''))];
  });
}
