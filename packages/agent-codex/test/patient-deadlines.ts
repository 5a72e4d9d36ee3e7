import type { Deadlines } from '../src/index.ts';

/** For tests of something else than deadlines: on a busy machine a real Codex has come near those that a program has by default. */
export const PATIENT: Partial<Deadlines> = { startMs: 100_000, requestMs: 100_000, interruptMs: 60_000 };
