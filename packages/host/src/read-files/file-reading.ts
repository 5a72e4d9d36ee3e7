/** A part of a file below a folder. */
export interface FileRange {
  /** From the folder, without a leading slash. */
  readonly relativePath: string;
  /** First byte to read. 0 by default. */
  readonly offset?: number;
  /** How many bytes, from there. */
  readonly length: number;
}

/**
 * - `read`: it was a regular file when it was opened.
 * - `gone`: nothing is there, or a folder on the way is no folder of the tree any more.
 * - `unreadable`: it may not be read, or the disk does not give it.
 * - `not-a-file`: a folder, link, device, pipe or socket is there.
 */
export type ReadStatus = 'read' | 'gone' | 'unreadable' | 'not-a-file';

/** What there is of one part that was asked for. */
export interface FileReading {
  readonly relativePath: string;
  readonly status: ReadStatus;
  /**
   * The bytes from `offset` on, `length` of them unless the file is shorter; none unless `status` is `read`. To be read once, and before the next item is
   * asked for: what is left of it by then is skipped. It fails only as the whole reading does. A chunk is its taker's: one that is all of its buffer may be transferred.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** How many of the `length` bytes were not there. To be asked when `body` has been read to its end. */
  readonly bytesMissing: () => number;
}

export interface ReadFilesOptions {
  readonly signal?: AbortSignal;
}

/** A reading, and what to do before the next one is given. */
export interface OpenReading {
  readonly reading: FileReading;
  /** Ends its body, whoever still reads it. */
  readonly close: () => Promise<void>;
}

/** A part of a file whose bytes come from `chunks`: `length` of them at the most. */
export function readingOf(
  { relativePath, length }: FileRange,
  chunks: AsyncGenerator<Uint8Array, void, undefined>,
): OpenReading {
  let missing = length;
  const counted = (async function* () {
    for await (const chunk of chunks) {
      missing -= chunk.length;
      yield chunk;
    }
  })();
  return {
    reading: { relativePath, status: 'read', body: counted, bytesMissing: () => missing },
    async close() {
      await counted.return();
    },
  };
}

/** A part of which nothing can be had. */
export function nothingOf(
  { relativePath, length }: FileRange,
  status: Exclude<ReadStatus, 'read'>,
): FileReading {
  return { relativePath, status, body: NO_BYTES, bytesMissing: () => length };
}

const NO_BYTES: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};
