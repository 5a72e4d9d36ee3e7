/** How long things may take, in milliseconds. */
export interface Deadlines {
  /** From the start of Codex until it has answered `initialize`. Where it is more than 30 seconds, the sandbox is tried for as long. */
  readonly startMs: number;
  /** For an answer of Codex to one request. */
  readonly requestMs: number;
  /** For a person's answer to an approval or question; then it is a denial. */
  readonly answerMs: number;
  /** For an interrupted turn to end; then Codex is ended. */
  readonly interruptMs: number;
  /** For Codex to end by itself, and again after SIGTERM. */
  readonly endMs: number;
}

export const defaultDeadlines: Deadlines = {
  startMs: 20_000,
  requestMs: 30_000,
  answerMs: 10 * 60_000,
  interruptMs: 10_000,
  endMs: 5_000,
};
