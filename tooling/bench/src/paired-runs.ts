export interface PairedOptions {
  /** How many times each is measured. */
  readonly rounds: number;
  /** Rounds before those, whose values are thrown away. 1 by default. */
  readonly warmUp?: number;
  readonly signal?: AbortSignal;
}

/**
 * Measures two things in turns, so that what the machine does meanwhile hits both alike; who goes first changes with every round.
 * The values of one round stand at the same place in both lists.
 *
 * @throws what a measurement throws, and the signal's reason.
 */
export async function pairedRuns<T>(
  ours: () => Promise<T>,
  theirs: () => Promise<T>,
  { rounds, warmUp = 1, signal }: PairedOptions,
): Promise<{ readonly ours: readonly T[]; readonly theirs: readonly T[] }> {
  const kept: { ours: T[]; theirs: T[] } = { ours: [], theirs: [] };
  for (let round = 0; round < warmUp + rounds; round += 1) {
    const measureOurs = async (): Promise<void> => {
      signal?.throwIfAborted();
      kept.ours[round] = await ours();
    };
    const measureTheirs = async (): Promise<void> => {
      signal?.throwIfAborted();
      kept.theirs[round] = await theirs();
    };
    for (const measure of round % 2 === 0 ? [measureOurs, measureTheirs] : [measureTheirs, measureOurs]) {
      await measure();
    }
  }
  return { ours: kept.ours.slice(warmUp), theirs: kept.theirs.slice(warmUp) };
}
