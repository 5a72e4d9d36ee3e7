/**
 * The value below which this part of the values lies, between neighbours by linear interpolation: 0.5 is the median, 0.99 is p99.
 *
 * @throws {RangeError} when there are no values, or `part` is not from 0 to 1.
 */
export function quantile(values: readonly number[], part: number): number {
  if (values.length === 0) throw new RangeError('There is no quantile of no values.');
  if (!(part >= 0 && part <= 1)) throw new RangeError(`A quantile lies between 0 and 1, got ${part}.`);
  const sorted = [...values].sort((a, b) => a - b);
  const place = part * (sorted.length - 1);
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  // The sum may be rounded up past its end.
  return Math.min(above, below + (above - below) * (place - Math.floor(place)));
}

/** The middle value: one slow run, of which a shared machine has some, does not move it. @throws {RangeError} when there are no values. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
