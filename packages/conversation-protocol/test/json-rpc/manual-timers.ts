import type { Timers } from '../../src/json-rpc/timers.ts';

/** Time that passes only when it is told to. */
export interface ManualTimers extends Timers {
  /** Lets time pass, and what is due run in its order. */
  advance(ms: number): void;
  /** How many timers are set. */
  readonly pending: number;
  /** Milliseconds to the next timer. */
  readonly next: number | undefined;
}

export function createManualTimers(): ManualTimers {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const earliest = () => [...timers].toSorted((a, b) => a.at - b.at)[0];
  return {
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (let timer = earliest(); timer !== undefined && timer.at <= end; timer = earliest()) {
        timers.delete(timer);
        now = timer.at;
        timer.run();
      }
      now = end;
    },
    get pending() {
      return timers.size;
    },
    get next() {
      const timer = earliest();
      return timer === undefined ? undefined : timer.at - now;
    },
  };
}
