import type { FileRange } from './file-reading.ts';
import { type Ask, placeOf } from './sending-script.ts';

/** Larger parts are sent one by one. */
const SMALL_BYTES = 256 * 1024;
/** A batch is kept until it is known to be right. */
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
const MAX_BATCH_FILES = 512;
/** Of names, so that no host finds the list of arguments too long. */
const MAX_BATCH_NAMES = 48 * 1024;

/** What is still to be asked of a host. */
export interface Asks {
  readonly next: () => Promise<Ask | undefined>;
  /** They come first again. */
  readonly putBack: (asks: readonly Ask[]) => void;
  readonly close: () => Promise<void>;
}

export function createAsks(files: AsyncIterable<FileRange>): Asks {
  const grouped = group(files);
  let again: readonly Ask[] = [];
  return {
    async next() {
      const [first, ...others] = again;
      again = others;
      return first ?? (await grouped.next()).value ?? undefined;
    },
    putBack(asks) {
      again = [...asks, ...again];
    },
    async close() {
      await grouped.return();
    },
  };
}

export function rangesOf(ask: Ask): readonly FileRange[] {
  return ask.kind === 'single' ? [ask.range] : ask.ranges;
}

/** Puts neighbours together that are small and in one folder. */
async function* group(files: AsyncIterable<FileRange>): AsyncGenerator<Ask, void, undefined> {
  let ranges: FileRange[] = [];
  let folder = '';
  let [bytes, names] = [0, 0];
  for await (const range of files) {
    const place = placeOf(range.relativePath);
    const isSmall = (range.offset ?? 0) === 0 && range.length <= SMALL_BYTES;
    bytes += range.length;
    names += 4 * place.name.length;
    const isFull = ranges.length === MAX_BATCH_FILES || bytes > MAX_BATCH_BYTES || names > MAX_BATCH_NAMES;
    if (ranges.length > 0 && (isFull || !isSmall || place.folder !== folder)) {
      yield asked(ranges);
      ranges = [];
    }
    if (ranges.length === 0) [folder, bytes, names] = [place.folder, range.length, 4 * place.name.length];
    if (isSmall) ranges.push(range);
    else yield { kind: 'single', range };
  }
  if (ranges.length > 0) yield asked(ranges);
}

function asked(ranges: readonly FileRange[]): Ask {
  const [range] = ranges;
  return range !== undefined && ranges.length === 1 ? { kind: 'single', range } : { kind: 'batch', ranges };
}
