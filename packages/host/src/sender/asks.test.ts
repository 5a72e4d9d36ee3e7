import { expect, it } from 'vitest';
import { type Ask, createAsks, type Located } from './asks.ts';

interface Weighed extends Located {
  readonly weight?: number;
}

async function* from(files: readonly Weighed[]): AsyncGenerator<Weighed> {
  yield* files;
}

function open(files: readonly Weighed[]): ReturnType<typeof createAsks<Weighed>> {
  return createAsks(from(files), { weigh: ({ weight }) => weight, maxWeight: 10, maxFiles: 3 });
}

async function paths(asks: { readonly next: () => Promise<Ask<Weighed> | undefined> }): Promise<string[]> {
  const found: string[] = [];
  for (let ask = await asks.next(); ask !== undefined; ask = await asks.next()) {
    const ranges = ask.kind === 'single' ? [ask.range] : ask.ranges;
    found.push(`${ask.kind} ${ranges.map(({ relativePath }) => relativePath).join(' ')}`);
  }
  return found;
}

it('neighbours of one folder are asked for together, up to their bounds, in their order', async () => {
  const files: readonly Weighed[] = [
    { relativePath: 'top', weight: 1 },
    { relativePath: 'a/1', weight: 1 },
    { relativePath: 'a/2', weight: 1 },
    { relativePath: 'a/large' },
    { relativePath: 'a/3', weight: 9 },
    { relativePath: 'a/4', weight: 2 },
    { relativePath: 'a/5', weight: 2 },
    { relativePath: 'a/b/1', weight: 0 },
    { relativePath: 'a/b/2', weight: 0 },
    { relativePath: 'a/b/3', weight: 0 },
    { relativePath: 'a/b/4', weight: 0 },
  ];
  expect(await paths(open(files))).toEqual([
    'single top',
    'batch a/1 a/2',
    'single a/large',
    'single a/3',
    'batch a/4 a/5',
    'batch a/b/1 a/b/2 a/b/3',
    'single a/b/4',
  ]);
  expect(await paths(open([]))).toEqual([]);
});

it('what is put back comes first', async () => {
  const asks = open([{ relativePath: 'a' }, { relativePath: 'b' }, { relativePath: 'c' }]);
  const [first, second] = [await asks.next(), await asks.next()];
  asks.putBack([first, second].filter((ask) => ask !== undefined));
  expect(await paths(asks)).toEqual(['single a', 'single b', 'single c']);
  await asks.close();
});
