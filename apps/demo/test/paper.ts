import { PassThrough } from 'node:stream';
import { WriteStream } from 'node:tty';
import type { PageStream } from '../src/terminal/page.ts';

/** A real terminal's: it looks at the environment. */
const { getColorDepth } = WriteStream.prototype;

/** Something to print on that remembers. With `columns` it is a terminal. */
export interface Paper {
  readonly stream: PageStream;
  /** Everything that was printed, escape sequences included. */
  text(): string;
}

export function createPaper(columns?: number): Paper {
  let text = '';
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return {
    stream: columns === undefined ? stream : Object.assign(stream, { isTTY: true, columns, getColorDepth }),
    text: () => text,
  };
}
