import type { RetainedOutput } from '../byte-streams.ts';
import type { ProcessExit, PtySize } from '../process.ts';

/** A process as it came to be, through pipes or a terminal; what it promises to users is built over it. */
export interface StartedProcess {
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  readonly outputs: readonly [stdout: RetainedOutput, stderr: RetainedOutput];
  readonly exit: Promise<ProcessExit>;
  /** Ends the input, whoever holds a writer of it. */
  hangUp(): void;
  /** No longer keeps the program that started it running. */
  unref(): void;
  resize?(size: PtySize): void;
}
