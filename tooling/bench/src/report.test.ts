import { expect, test } from 'vitest';
import { json, table } from './report.ts';

const results = [
  {
    topic: 'start',
    name: 'to the first event',
    unit: 'ms',
    better: 'lower',
    ours: 148.12,
    alternative: { name: 'bare 0.169.0', value: 94.444 },
    ratio: 0.6376,
  },
  {
    topic: 'rate',
    name: 'events',
    unit: '/s',
    better: 'higher',
    ours: 23500.4,
    alternative: { name: 'a pipe', value: 25000 },
    ratio: 0.94,
  },
] as const;

test('the table shows what, ours, the alternative by name, and the ratio', () => {
  expect(table(results)).toBe(
    [
      'what                            ours  alternative                ratio',
      'start: to the first event     148 ms      94.4 ms  bare 0.169.0  0.638',
      'rate: events               23,500 /s    25,000 /s  a pipe         0.94',
      '',
      'A ratio above 1 means that ours is better.',
    ].join('\n'),
  );
});

test('the file for programs holds the agreed members and no others', () => {
  expect(JSON.parse(json(results))[0]).toEqual({
    topic: 'start',
    name: 'to the first event',
    unit: 'ms',
    ours: 148.12,
    alternative: { name: 'bare 0.169.0', value: 94.444 },
    ratio: 0.6376,
  });
});
