import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runChaos } from '../test/chaos.ts';

test('no token is lost or spent twice, wherever programs die and whenever stores go away', {
  timeout: 300_000,
}, async () => {
  let kills = 0;
  let rotations = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const report = await runChaos(seed);
      kills += report.kills;
      rotations += report.rotations;
      expect(report.violations, report.story.join('\n')).toEqual([]);
    }),
    { numRuns: Number(process.env['SEEDS_CHAOS_RUNS'] ?? 20), endOnFailure: true },
  );
  expect(kills).toBeGreaterThan(0);
  expect(rotations).toBeGreaterThan(0);
});
