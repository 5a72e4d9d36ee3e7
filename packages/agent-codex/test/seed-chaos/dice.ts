/** Chance that a number decides: the same number throws the same dice. */
export interface Dice {
  /** From 0 up to, and without, `limit`. */
  upTo(limit: number): number;
  happens(probability: number): boolean;
  /** One of them; `undefined` when there is none. */
  oneOf<T>(all: readonly T[]): T | undefined;
}

/** Dice of its own for each `owner`, so that what one throws changes nothing for another. */
export function createDice(number: number, owner: string): Dice {
  let state = number | 0;
  for (const character of owner) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    upTo: (limit) => next() * limit,
    happens: (probability) => next() < probability,
    oneOf: (all) => all[Math.floor(next() * all.length)],
  };
}
