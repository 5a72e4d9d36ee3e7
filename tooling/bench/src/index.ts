export type { Alternative, BenchContext, BenchResult, BenchTopic, Measured } from './bench-topic.ts';
export { compare } from './comparison.ts';
export { median, quantile } from './median.ts';
export { type PairedOptions, pairedRuns } from './paired-runs.ts';
