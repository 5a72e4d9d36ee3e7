import type { Readable } from 'node:stream';

/** What came before a mark, and what stood behind the mark in its line. */
export interface Frame {
  readonly bytes: Buffer;
  readonly rest: string;
  /** More came than was to be kept; `bytes` is of no use then. */
  readonly isTooLong: boolean;
}

/** Cuts what a stream brings at marks that are agreed beforehand, one after the other. */
export interface FramedOutput {
  until(mark: Buffer, maxBytes: number): Promise<Frame>;
  /** Nothing more will come: who waits, or will, is told why. */
  fail(cause: Error): void;
}

interface Expected {
  readonly mark: Buffer;
  readonly maxBytes: number;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (cause: Error) => void;
}

const LINE_END = 10;
/** As much as may stand behind a mark in its line. */
const MAX_REST_BYTES = 16;

export function createFramedOutput(source: Readable): FramedOutput {
  const expected: Expected[] = [];
  let failure: Error | undefined;
  let chunks: Buffer[] = [];
  let size = 0;
  let isTooLong = false;
  /** The end of `chunks`: a mark may begin in one chunk and end in the next. */
  let tail = Buffer.alloc(0);

  const keep = (chunk: Buffer, window: Buffer, { mark, maxBytes }: Expected): void => {
    tail = Buffer.from(window.subarray(-(mark.length + MAX_REST_BYTES)));
    chunks.push(chunk);
    size += chunk.length;
    if (size <= maxBytes) return;
    isTooLong = true;
    chunks = [tail];
    size = tail.length;
  };
  const take = (chunk: Buffer): void => {
    let left = chunk;
    for (let first = expected[0]; first !== undefined && left.length > 0; first = expected[0]) {
      const window = Buffer.concat([tail, left]);
      const at = window.indexOf(first.mark);
      const end = at < 0 ? -1 : window.indexOf(LINE_END, at + first.mark.length);
      if (end < 0) {
        keep(left, window, first);
        return;
      }
      const start = size - tail.length + at;
      const bytes = Buffer.concat([...chunks, left]).subarray(0, start);
      const rest = window.toString('latin1', at + first.mark.length, end);
      first.resolve({ bytes, rest, isTooLong });
      expected.shift();
      left = window.subarray(end + 1);
      chunks = [];
      size = 0;
      isTooLong = false;
      tail = Buffer.alloc(0);
    }
  };
  source.on('data', take);
  return {
    until(mark, maxBytes) {
      if (failure !== undefined) return Promise.reject(failure);
      const { promise, resolve, reject } = Promise.withResolvers<Frame>();
      expected.push({ mark, maxBytes, resolve, reject });
      return promise;
    },
    fail(cause) {
      failure ??= cause;
      for (const { reject } of expected.splice(0)) reject(failure);
    },
  };
}
