import { vi } from 'vitest';

export interface StoppedClock extends Disposable {
  /** Lets the time of this program's timers go on by so much, at once. */
  pass(milliseconds: number): void;
}

/** Until its disposal no time passes unless it is told to: what is to run into a limit does so at the step that is meant, however slow the machine is. */
export function stopClock(): StoppedClock {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  return {
    pass: (milliseconds) => void vi.advanceTimersByTime(milliseconds),
    [Symbol.dispose]: () => void vi.useRealTimers(),
  };
}
