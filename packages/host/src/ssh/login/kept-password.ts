import type { Secret } from './authentication.ts';
import { createTurns } from './turns.ts';

/** A password that is on its way to the host. Exactly one of the three is called. */
export interface PasswordOnTrial {
  readonly value: string;
  /** Whether it was let in before. */
  readonly proven: boolean;
  accepted(): void;
  refused(): void;
  /** It was not decided on. */
  undecided(): void;
}

/** The password of one destination, asked for once for all its connections. */
export interface KeptPassword {
  /** It is a text, and was refused. */
  readonly spent: boolean;
  /** The next one to try; `spent` where that was refused, `unsaid` when nobody said one. While one is on trial that has not been let in before, others wait. */
  take(ask: AskOnce, signal: AbortSignal): Promise<PasswordOnTrial | 'spent' | 'unsaid'>;
}

type AskOnce = (ask: Exclude<Secret, string>) => Promise<string | undefined>;

export function createKeptPassword(source: Secret): KeptPassword {
  const turns = createTurns();
  let kept = typeof source === 'string' ? source : undefined;
  let proven = false;

  const onTrial = (value: string, turn: Disposable | undefined): PasswordOnTrial => ({
    value,
    proven: turn === undefined,
    accepted() {
      kept = value;
      proven = true;
      turn?.[Symbol.dispose]();
    },
    refused() {
      if (kept === value) {
        kept = undefined;
        proven = false;
      }
      turn?.[Symbol.dispose]();
    },
    undecided() {
      turn?.[Symbol.dispose]();
    },
  });

  return {
    get spent() {
      return typeof source === 'string' && kept === undefined;
    },
    async take(ask, signal) {
      if (proven && kept !== undefined) return onTrial(kept, undefined);
      const turn = await turns.take(signal);
      try {
        if (proven && kept !== undefined) {
          turn[Symbol.dispose]();
          return onTrial(kept, undefined);
        }
        const value = typeof source === 'string' ? kept : await ask(source);
        if (value !== undefined) return onTrial(value, turn);
        turn[Symbol.dispose]();
        return typeof source === 'string' ? 'spent' : 'unsaid';
      } catch (failure) {
        turn[Symbol.dispose]();
        throw failure;
      }
    },
  };
}
