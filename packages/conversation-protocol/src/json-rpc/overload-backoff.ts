const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** How often a request that the peer was too busy for is sent again, unless its caller says otherwise. */
export const DEFAULT_RETRIES = 4;

/**
 * How long to wait before try number `retry` (from 1): about 100 ms, doubling up to 5 s. Half of it is left to chance, so that those
 * who were refused together do not come back together.
 */
export function overloadBackoffMs(retry: number, random: () => number): number {
  const longest = Math.min(FIRST_MS * 2 ** (retry - 1), LONGEST_MS);
  return longest / 2 + (longest / 2) * random();
}
