import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What programs of a run write down, for who judges them. */
export type ChaosEntry =
  | { readonly type: 'acquired'; readonly seedId: string; readonly fence: number }
  | { readonly type: 'agent'; readonly pid: number; readonly way: string; readonly where: string }
  | { readonly type: 'session-over'; readonly how: string }
  | { readonly type: 'refused'; readonly by: string; readonly reason: string }
  | { readonly type: 'verified'; readonly outcome: string }
  | { readonly type: 'clock-step'; readonly minutes: number }
  | { readonly type: 'event'; readonly event: string; readonly detail: string }
  /** What was done to programs, stores and clocks. */
  | { readonly type: 'disturbance'; readonly what: string }
  /** What a program did not expect. */
  | { readonly type: 'fault'; readonly story: string };

/** `at`: milliseconds since the epoch, by the machine's own clock. */
export type ChaosRecord = ChaosEntry & { readonly at: number; readonly pid: number };

// Kept from before anybody steps the clock of the program.
const machineTime = Date.now;

/** One line, in one write: programs that are killed leave whole lines. */
export function logChaos(folder: string, entry: ChaosEntry): void {
  const line = `${JSON.stringify({ at: machineTime(), pid: process.pid, ...entry })}\n`;
  appendFileSync(join(folder, 'log.jsonl'), line);
}

export function readChaosLog(folder: string): readonly ChaosRecord[] {
  const file = join(folder, 'log.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line): ChaosRecord => JSON.parse(line));
}
