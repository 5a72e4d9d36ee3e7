import type { HostPath } from '../../host-path.ts';
import type { HostProcess, PtySize } from '../../process.ts';

export type ProcessSignal = Parameters<HostProcess['signal']>[0];

/** What a program on a memory host is given. */
export interface MemoryProgramContext {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: HostPath;
  readonly stdin: ReadableStream<Uint8Array>;
  /** Holds 64 KiB, like a pipe: beyond that a write waits for the reader. */
  readonly stdout: WritableStream<Uint8Array>;
  readonly stderr: WritableStream<Uint8Array>;
  /** The terminal, when the process was given one. */
  readonly pty: PtySize | undefined;
  /** Fires when the process has been killed: from then on nothing that the program does is seen. */
  readonly killed: AbortSignal;
  /** Handles a signal that would otherwise end the process. SIGKILL cannot be trapped. */
  trap(name: Exclude<ProcessSignal, 'SIGKILL'>, handler: () => void): void;
  /** Writes text to `stdout`. */
  print(text: string): Promise<void>;
}

/** A program of a memory host: gives its exit code, 0 when it gives none. One that throws exits with 1 and its message on `stderr`. */
export type MemoryProgram = (
  context: MemoryProgramContext,
) => Promise<number | undefined> | Promise<void> | number | undefined;
