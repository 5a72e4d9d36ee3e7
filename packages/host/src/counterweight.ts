/** Of data that is handed on, so much puts something on V8's own heap … */
const DATA_BYTES = 32 * 1024;
/** … that is as large, in words. */
const WEIGHT_WORDS = 1024;
/** What is larger V8 does not put where it collects often. */
const MOST_WEIGHTS = 8;

/**
 * Makes V8 collect chunks of bytes that were handed on and used up. They lie outside of its heap, and hardly weigh on it: so it would let some 80 MB of them
 * gather, while it collects what is young on its own heap every few MB. So each gets a weight there.
 */
export interface Counterweight {
  /** So many bytes were handed on. */
  add(bytes: number): void;
}

export function createCounterweight(): Counterweight {
  // The last weight is held so that none is optimised away.
  const held: { weight?: readonly undefined[]; owed: number } = { owed: 0 };
  return {
    add(bytes) {
      held.owed += bytes;
      const weights = Math.min(MOST_WEIGHTS, Math.floor(held.owed / DATA_BYTES));
      if (weights === 0) return;
      held.owed %= DATA_BYTES;
      held.weight = new Array(weights * WEIGHT_WORDS);
    },
  };
}
