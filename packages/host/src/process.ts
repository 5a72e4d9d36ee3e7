import type { HostPath } from './host-path.ts';

/** A program and its arguments, never a shell string: every argument arrives as it is, whatever it holds except NUL. */
export interface Command {
  /** `argv[0]` is an absolute path, or a name that is looked up on the PATH of the child's environment. */
  readonly argv: readonly [string, ...string[]];
  /** Where it runs. The host's home by default. */
  readonly cwd?: HostPath;
  /**
   * Added to the host's safe environment (`Host.env`); `undefined` removes a variable.
   * Nothing else is inherited from the program that calls.
   *
   * `SEEDBED_PROCESS` always holds an id that the host gives the process. A value that is passed here adds ids (separated by commas): on Linux,
   * ending the process then ends whatever carries one of them in that variable.
   */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface PtySize {
  readonly columns: number;
  readonly rows: number;
}

export interface SpawnOptions {
  /**
   * When it fires, the process group is ended as by `end()`. Before there is a process, `spawn` rejects with `aborted`; where one had just been started, that is ended first,
   * beginning with SIGTERM.
   */
  readonly signal?: AbortSignal;
  /** How long each step of that ending is given before the next, in milliseconds. 5,000 by default. */
  readonly graceMs?: number;
  /**
   * Gives the process a terminal. Then `stdout` carries what the terminal shows, `stderr` is empty, and `resize` works.
   * The local host needs the optional dependency `@lydell/node-pty` for it.
   */
  readonly pty?: PtySize & { readonly term?: string };
  /**
   * Lets the process outlive a broken link to its host: its streams go on, from the byte where they were, when the link is back, and meanwhile it works on.
   * Where the link is not restored it is ended, a minute after the host was given up. It makes no difference on a host whose link cannot break, nor for a
   * process with a terminal.
   *
   * What it reads and prints is kept in `folder` until it ends; then the folder is removed. It must not exist, and nobody else may be able to write there:
   * what is appended to a file in it is taken for input. Its output is not held back by a slow reader, but grows there; of what others print into it after its own
   * end nothing may arrive. An exit code above 128 is taken for a signal.
   */
  readonly durable?: { readonly folder: HostPath };
}

/**
 * How a process ended. A value, never a rejection: that a program fails is an expected ending.
 * `lost` means that the link to it broke: it may still run, or have done its work.
 */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly name: string }
  | { readonly kind: 'lost'; readonly cause: Error };

export interface EndOptions {
  /** How long each step (end of input, then SIGTERM) is given before the next, in milliseconds. 5,000 by default. */
  readonly graceMs?: number;
  /** Begin at this step instead of at the end of input. */
  readonly from?: 'eof' | 'term' | 'kill';
}

/**
 * A running process on a host. It leads a process group of its own; `end` and disposal end the whole group.
 *
 * Output is kept until it is read: a stream that is not read holds the process back (back-pressure), it loses nothing.
 */
export interface HostProcess extends AsyncDisposable {
  /** Process id on the host, and the id of its group. */
  readonly pid: number;
  readonly stdin: WritableStream<Uint8Array>;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Resolves when the process itself has ended. Never rejects. */
  readonly exit: Promise<ProcessExit>;
  /**
   * Resolves when the process has ended and both of its output streams have closed, which a grandchild that holds a pipe can delay. Never rejects.
   */
  readonly closed: Promise<ProcessExit>;
  /** Sends a signal to the whole group; nothing happens when it is gone. */
  signal(
    name: 'SIGINT' | 'SIGTERM' | 'SIGKILL' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2' | 'SIGWINCH',
  ): Promise<void>;
  /**
   * Ends the group: end of input → SIGTERM → SIGKILL, each after a grace. Resolves with the exit of the leader when no process of the group is left.
   * Calling it again joins the ending that is under way.
   */
  end(options?: EndOptions): Promise<ProcessExit>;
  /** Present on a process with a terminal. */
  resize?(size: PtySize): Promise<void>;
}
