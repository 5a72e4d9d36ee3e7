import { HostError } from '../host-error.ts';
import { checkPathBelow } from '../path-below.ts';

interface Range {
  readonly relativePath: string;
  readonly offset?: number;
  readonly length?: number;
}

/** @throws {HostError} `invalid-path` at what cannot be a part of a file below a folder. */
export async function* checkedRanges<R extends Range>(
  files: Iterable<R> | AsyncIterable<R>,
): AsyncGenerator<R, void, undefined> {
  for await (const range of files) {
    const { relativePath, offset = 0, length = 0 } = range;
    checkPathBelow(relativePath, 'read');
    if (![offset, length].every((bytes) => Number.isSafeInteger(bytes) && bytes >= 0)) {
      const what = `${length} bytes from ${offset} of ${JSON.stringify(relativePath)}`;
      throw new HostError('invalid-path', `Did not read ${what}: no file has such a part.`);
    }
    yield range;
  }
}
