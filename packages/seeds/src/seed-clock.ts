import { setTimeout as sleepFor } from 'node:timers/promises';

export interface SleepOptions {
  /** Ends the sleep early, without an error. */
  readonly signal?: AbortSignal;
  /** Does not keep the program alive. */
  readonly background?: boolean;
}

/** The program's own time: for how long to wait, never for when something happened. Tests give another. */
export interface SeedClock {
  /** Milliseconds that only ever grow. */
  monotonicMs(): number;
  sleep(ms: number, options?: SleepOptions): Promise<void>;
  /** From 0 up to, and without, 1: for waits that must not be alike. */
  random(): number;
}

export const systemClock: SeedClock = {
  monotonicMs: () => performance.now(),
  random: Math.random,
  sleep: async (ms, { signal, background = false } = {}) => {
    await sleepFor(ms, undefined, { ref: !background, ...(signal === undefined ? {} : { signal }) }).catch(
      () => undefined,
    );
  },
};

/** Whether these are milliseconds since the epoch that a date can have: no other time is kept, since it could neither be read again nor shown. */
export function isPointInTime(ms: number): boolean {
  return Number.isFinite(new Date(ms).getTime());
}
