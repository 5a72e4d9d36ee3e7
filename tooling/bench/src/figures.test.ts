import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compare } from './comparison.ts';
import { median, quantile } from './median.ts';
import { pairedRuns } from './paired-runs.ts';

const figure = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e9, max: 1e9 });
// Adding zero turns -0 into 0: the two sort as equal, and are not the same.
const values = fc.array(
  figure.map((value) => value + 0),
  { minLength: 1 },
);

test('the median is the middle value, or lies between the two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(() => median([])).toThrow(RangeError);
});

test('a quantile lies within the values, does not shrink with its part, and the ends are the ends', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (list, part) => {
      expect(quantile(list, 0)).toBe(Math.min(...list));
      expect(quantile(list, 1)).toBe(Math.max(...list));
      expect(quantile(list, part)).toBeGreaterThanOrEqual(quantile(list, part / 2));
    }),
  );
});

test('a ratio above 1 means better, whichever direction is better', () => {
  const alternative = { name: 'other 1.0', value: 10 };
  expect(compare({ name: 'a', unit: 'ms', better: 'lower', ours: 5, alternative }).ratio).toBe(2);
  expect(compare({ name: 'a', unit: '/s', better: 'higher', ours: 5, alternative }).ratio).toBe(0.5);
  expect(
    compare({ name: 'a', unit: 'B', better: 'lower', ours: 0, alternative: { name: 'x', value: 0 } }).ratio,
  ).toBe(1);
});

test('both are measured in turns, the first place alternates, and warm-up rounds are dropped', async () => {
  const order: string[] = [];
  let count = 0;
  const measured = (who: string) => async () => {
    order.push(who);
    count += 1;
    return count;
  };
  const { ours, theirs } = await pairedRuns(measured('ours'), measured('theirs'), { rounds: 3, warmUp: 1 });
  expect(order).toEqual(['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs', 'theirs', 'ours']);
  expect({ ours, theirs }).toEqual({ ours: [4, 5, 8], theirs: [3, 6, 7] });
});

test('a stopped run measures nothing more', async () => {
  const stop = new AbortController();
  let runs = 0;
  const measure = async (): Promise<number> => {
    runs += 1;
    stop.abort(new Error('enough'));
    return runs;
  };
  await expect(pairedRuns(measure, measure, { rounds: 9, signal: stop.signal })).rejects.toThrow('enough');
  expect(runs).toBe(1);
});
