import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { readDelta } from './read-delta.ts';

const schema = z.looseObject({
  threadId: z.string(),
  turnId: z.string(),
  itemId: z.string(),
  delta: z.string(),
});

const sometimesText = fc.oneof({ arbitrary: fc.string(), weight: 9 }, fc.anything());
const almostParams = fc.record(
  { threadId: sometimesText, turnId: sometimesText, itemId: sometimesText, delta: sometimesText },
  { requiredKeys: [] },
);

it('takes what a schema would take, and nothing else', () => {
  fc.assert(
    fc.property(fc.oneof(almostParams, fc.anything()), (params) => {
      const { success, data } = schema.safeParse(params);
      const expected = success ? { turnId: data.turnId, itemId: data.itemId, text: data.delta } : undefined;
      expect(readDelta(params)).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});
