import type { BenchContext } from '@seedbed/bench';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { expect, it } from 'vitest';
import { measureSnapshots } from '../bench/snapshot.bench.ts';

describeOnMongodb('the measurements, each made once', () => {
  it('give the time of snapshots, here and over SSH', { timeout: 240_000 }, async () => {
    const context: BenchContext = { signal: new AbortController().signal, progress: () => undefined };
    const results = await measureSnapshots(context, { files: 60, fileBytes: 4_000, rounds: 1 });
    for (const { ours, alternative, ratio } of results)
      expect(Math.min(ours, alternative.value, ratio)).toBeGreaterThan(0);
    const names = results.map(({ name, alternative }) => `${name}, against ${alternative.name}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'first snapshot, against tar.gz into GridFS',
        'one file changed snapshot, against tar.gz into GridFS',
        'first snapshot over SSH, against tar.gz into GridFS',
      ]),
    );
  });
});
