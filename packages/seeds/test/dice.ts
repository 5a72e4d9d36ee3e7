/** Chance that comes out the same every time for one seed. */
export interface Dice {
  /** From 0 up to, and without, `below`. */
  upTo(below: number): number;
  happens(probability: number): boolean;
}

export function createDice(seed: number): Dice {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { upTo: (below) => next() * below, happens: (probability) => next() < probability };
}
