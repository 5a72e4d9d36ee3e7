/** Files of one folder, without the path to it, to be treated together. */
export interface Batch<R> {
  readonly kind: 'batch';
  readonly ranges: readonly R[];
}

export interface Single<R> {
  readonly kind: 'single';
  readonly range: R;
}

/** What is asked of the host at a time: something of one file, or of some that are small and in one folder. */
export type Ask<R> = Batch<R> | Single<R>;

/** What is still to be asked of a host. */
export interface Asks<R> {
  readonly next: () => Promise<Ask<R> | undefined>;
  /** They come first again. */
  readonly putBack: (asks: readonly Ask<R>[]) => void;
  readonly close: () => Promise<void>;
}

export function createAsks<R extends Located>(files: AsyncIterable<R>, bounds: BatchBounds<R>): Asks<R> {
  const grouped = group(files, bounds);
  let again: readonly Ask<R>[] = [];
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

export function rangesOf<R>(ask: Ask<R>): readonly R[] {
  return ask.kind === 'single' ? [ask.range] : ask.ranges;
}

export interface Located {
  /** From the folder that is read, without a leading slash. */
  readonly relativePath: string;
}

/** What may come together. */
export interface BatchBounds<R> {
  /** What a file weighs; `undefined` for one that stands alone. */
  readonly weigh: (range: R) => number | undefined;
  /** Of all files of a batch together. */
  readonly maxWeight: number;
  readonly maxFiles: number;
  /** Whether two files can be asked for in the same way. */
  readonly areAlike?: (one: R, other: R) => boolean;
}

/** Of names, in characters, so that no host finds the list of arguments too long. */
const MAX_BATCH_NAMES = 16 * 1024;

/** Puts neighbours together that are in one folder. */
async function* group<R extends Located>(
  files: AsyncIterable<R>,
  { weigh, maxWeight, maxFiles, areAlike = () => true }: BatchBounds<R>,
): AsyncGenerator<Ask<R>, void, undefined> {
  let ranges: R[] = [];
  let [sum, names] = [0, 0];
  for await (const range of files) {
    const weight = weigh(range);
    sum += weight ?? 0;
    names += range.relativePath.length;
    const [first] = ranges;
    if (first !== undefined) {
      const isFull = ranges.length === maxFiles || sum > maxWeight || names > MAX_BATCH_NAMES;
      if (isFull || weight === undefined || !areNeighbours(first, range) || !areAlike(first, range)) {
        yield asked(ranges);
        ranges = [];
      }
    }
    if (weight === undefined) {
      yield { kind: 'single', range };
      continue;
    }
    if (ranges.length === 0) [sum, names] = [weight, range.relativePath.length];
    ranges.push(range);
  }
  if (ranges.length > 0) yield asked(ranges);
}

function asked<R>(ranges: readonly R[]): Ask<R> {
  const [range] = ranges;
  return range !== undefined && ranges.length === 1 ? { kind: 'single', range } : { kind: 'batch', ranges };
}

function areNeighbours(one: Located, other: Located): boolean {
  return placeOf(one).folder === placeOf(other).folder;
}

/** The folder with a slash before it, or nothing for the root, and the name as no program takes it for an option. */
export function placeOf({ relativePath }: Located): { readonly folder: string; readonly name: string } {
  const slash = relativePath.lastIndexOf('/');
  return {
    folder: slash < 0 ? '' : `/${relativePath.slice(0, slash)}`,
    name: `./${relativePath.slice(slash + 1)}`,
  };
}
