import { testCredential } from '../src/testing/index.ts';
import type { Dice } from './dice.ts';

/** Gives out tokens that can be spent once, and remembers who spent what twice. */
export interface RotatingProvider {
  logIn(account: string): Uint8Array;
  /** Spends a token; gives the login with its successor. `undefined` for one that is spent already. */
  rotate(account: string, token: string): Uint8Array | undefined;
  /** The token of an account that is not spent. */
  current(account: string): string | undefined;
  readonly rotations: () => number;
  /** Resolves when there have been so many rotations. */
  rotated(times: number): Promise<void>;
  /** What must not happen: a token spent twice. */
  readonly reused: readonly string[];
}

/** Told of every token that is given out, with the one that was spent for it. */
type OnGiven = (account: string, token: string, spent: string | undefined) => void;

/** With dice its clock is set back, now and then, by what it has given out meanwhile. */
export function createRotatingProvider(dice?: Dice, onGiven?: OnGiven): RotatingProvider {
  const current = new Map<string, string>();
  const reused: string[] = [];
  const waiting = new Map<number, () => void>();
  let given = 0;
  let rotations = 0;
  const give = (account: string, spent?: string): Uint8Array => {
    given += 1;
    const token = `${account}-token-${given}`;
    current.set(account, token);
    onGiven?.(account, token, spent);
    const behind = dice?.happens(0.05) === true ? dice.upTo(40) : 0;
    // As a provider does, to the second: several in a row say the same.
    return testCredential({ account, token, at: 10 + Math.floor((given - behind) / 4) });
  };
  return {
    logIn: (account) => give(account),
    rotate(account, token) {
      if (current.get(account) !== token) {
        reused.push(token);
        return undefined;
      }
      rotations += 1;
      for (const [times, resolve] of waiting) if (rotations >= times) resolve();
      return give(account, token);
    },
    current: (account) => current.get(account),
    rotations: () => rotations,
    async rotated(times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (rotations >= times) return;
      waiting.set(times, resolve);
      await promise;
      waiting.delete(times);
    },
    reused,
  };
}
