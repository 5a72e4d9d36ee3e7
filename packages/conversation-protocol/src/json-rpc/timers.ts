/** Time as a peer sees it; a test gives its own. */
export interface Timers {
  /** Calls `run` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, run: () => void): () => void;
}

/** setTimeout takes what is longer for 1 ms. About 24.8 days. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, Math.min(ms, LONGEST_TIMEOUT_MS));
    return () => clearTimeout(timer);
  },
};
