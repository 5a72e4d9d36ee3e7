/** What a user would take instead, by its name and version: `codex app-server 0.169.0, bare`. */
export interface Alternative {
  readonly name: string;
  readonly value: number;
}

/** One figure: ours, what a user would take instead, and how they compare. */
export interface BenchResult {
  /** What was measured, in words: `time to the first event`. */
  readonly name: string;
  /** Of both values: `ms`, `events/s`, `MB`. */
  readonly unit: string;
  readonly better: 'lower' | 'higher';
  readonly ours: number;
  readonly alternative: Alternative;
  /** Above 1 means that ours is better, whichever direction `better` says. See {@link compare}. */
  readonly ratio: number;
}

/** A figure before it is compared. */
export type Measured = Omit<BenchResult, 'ratio'>;

export interface BenchContext {
  /** Aborts when the person stops the run: a topic ends its processes and returns or throws. */
  readonly signal: AbortSignal;
  /** Says what is going on; it goes to standard error, the table alone to standard output. */
  progress(line: string): void;
}

/**
 * A group of figures that are measured together. A package has it in `bench/<name>.bench.ts`, exported as `topic`.
 */
export interface BenchTopic {
  /** What a person types to run it alone: `conversation-start`. */
  readonly name: string;
  /** Measures against the alternative in the same run, on the same machine, in turns. */
  measure(context: BenchContext): Promise<readonly BenchResult[]>;
}
