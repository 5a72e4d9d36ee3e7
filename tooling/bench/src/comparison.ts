import type { BenchResult, Measured } from './bench-topic.ts';

/** Adds the ratio: above 1 ours is better. Two zeros are equal; zero against something is as good, or as bad, as can be. */
export function compare(measured: Measured): BenchResult {
  const { ours, alternative, better } = measured;
  const [good, bad] = better === 'lower' ? [alternative.value, ours] : [ours, alternative.value];
  return { ...measured, ratio: good === bad ? 1 : good / bad };
}
