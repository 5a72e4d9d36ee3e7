import { HostError } from '../host-error.ts';

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
    const isPlain = relativePath.split('/').every((name) => !['', '.', '..'].includes(name));
    if (!isPlain || relativePath.includes('\0')) {
      const name = JSON.stringify(relativePath);
      throw new HostError('invalid-path', `Did not read ${name}: it is no path of a file below a folder.`);
    }
    if (![offset, length].every((bytes) => Number.isSafeInteger(bytes) && bytes >= 0)) {
      const what = `${length} bytes from ${offset} of ${JSON.stringify(relativePath)}`;
      throw new HostError('invalid-path', `Did not read ${what}: no file has such a part.`);
    }
    yield range;
  }
}
