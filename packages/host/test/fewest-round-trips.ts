import type { LinkProxy } from '../src/testing/index.ts';

const MEASUREMENTS = 4;

/**
 * How many round trips some work takes on a slow link up to where it says `count`, at the least of a few times: what else is said over the connection meanwhile (its own shells are
 * opened beside what is asked first) can only add to the count.
 */
export async function fewestRoundTrips(
  link: LinkProxy,
  work: (count: () => void) => Promise<unknown>,
): Promise<number> {
  let fewest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MEASUREMENTS; round += 1) {
    link.resetRoundTrips();
    await work(() => {
      fewest = Math.min(fewest, link.roundTrips());
    });
  }
  return fewest;
}
