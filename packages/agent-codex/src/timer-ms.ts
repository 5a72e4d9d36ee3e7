/** What a timer of Node's can hold: 24.8 days. A longer time is taken for a millisecond by Node itself, or refused. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** For a timer: `Infinity`, and all that is longer than one can hold, as long as it can. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}
