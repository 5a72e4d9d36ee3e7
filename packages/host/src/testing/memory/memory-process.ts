import { HostError } from '../../host-error.ts';
import { checkPtySize, checkTime, timerMs } from '../../option-values.ts';
import type { EndOptions, HostProcess, ProcessExit, PtySize, SpawnOptions } from '../../process.ts';
import type { MemoryProgram, MemoryProgramContext, ProcessSignal } from './memory-program.ts';

const PIPE_BYTES = 64 * 1024;
/** What POSIX ignores by default: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/signal.h.html */
const IGNORED_BY_DEFAULT: ReadonlySet<string> = new Set(['SIGWINCH']);

export interface MemoryStart extends Pick<MemoryProgramContext, 'argv' | 'env' | 'cwd'> {
  readonly pid: number;
  readonly program: MemoryProgram;
  readonly options: SpawnOptions;
  readonly hostSignal: AbortSignal;
}

/** Runs a program as a process of a memory host. */
export function startMemoryProcess(start: MemoryStart): HostProcess {
  const stdin = createPipe();
  const stdout = createPipe();
  const stderr = createPipe();
  const traps = new Map<ProcessSignal, () => void>();
  const killed = new AbortController();
  const ended = Promise.withResolvers<ProcessExit>();
  let over = false;
  const finish = (exit: ProcessExit): void => {
    if (over) return;
    over = true;
    killed.abort();
    const failure = exit.kind === 'lost' ? exit.cause : undefined;
    for (const pipe of [stdin, stdout, stderr]) pipe.hangUp(failure);
    ended.resolve(exit);
  };
  const signal = (name: ProcessSignal): void => {
    const trap = name === 'SIGKILL' ? undefined : traps.get(name);
    if (over || (trap === undefined && IGNORED_BY_DEFAULT.has(name))) return;
    if (trap === undefined) finish({ kind: 'signaled', name });
    else trap();
  };
  const end = createMemoryEnding({ exit: ended.promise, hangUp: stdin.end, signal });
  const { graceMs } = start.options;
  const onAbort = (): void => void end(graceMs === undefined ? {} : { graceMs });
  const onHostGone = (): void => finish({ kind: 'lost', cause: asError(start.hostSignal.reason) });
  start.options.signal?.addEventListener('abort', onAbort, { once: true });
  start.hostSignal.addEventListener('abort', onHostGone, { once: true });
  void ended.promise.then(() => {
    start.options.signal?.removeEventListener('abort', onAbort);
    start.hostSignal.removeEventListener('abort', onHostGone);
  });
  const context: MemoryProgramContext = {
    ...start,
    stdin: stdin.readable,
    stdout: stdout.writable,
    stderr: stderr.writable,
    pty: start.options.pty,
    killed: killed.signal,
    trap: (name, handler) => void traps.set(name, handler),
    print: (text) => writeText(stdout.writable, text),
  };
  void execute(start.program, context).then((code) => finish({ kind: 'exited', code }));
  return {
    pid: start.pid,
    stdin: stdin.writable,
    stdout: stdout.readable,
    stderr: stderr.readable,
    exit: ended.promise,
    closed: Promise.all([ended.promise, stdout.drained, stderr.drained]).then(([exit]) => exit),
    signal: async (name) => signal(name),
    end,
    ...(start.options.pty === undefined
      ? {}
      : {
          async resize(size: PtySize) {
            checkPtySize(size);
            signal('SIGWINCH');
          },
        }),
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

async function execute(program: MemoryProgram, context: MemoryProgramContext): Promise<number> {
  try {
    return (await program(context)) ?? 0;
  } catch (failure) {
    if (!context.killed.aborted)
      await writeText(context.stderr, `${asError(failure).message}\n`).catch(() => undefined);
    return 1;
  }
}

async function writeText(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
  } finally {
    writer.releaseLock();
  }
}

interface Pipe {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  /** Resolves when what was written has been read to the end, or the reader has gone. */
  readonly drained: Promise<void>;
  /** Ends what can be read, behind what was written. */
  readonly end: () => void;
  /** Ends both sides; the reader meets the failure behind what was written. */
  readonly hangUp: (failure?: Error) => void;
}

function createPipe(): Pipe {
  const queue: Uint8Array[] = [];
  const drained = Promise.withResolvers<void>();
  let bytes = 0;
  let ended = false;
  let broken = false;
  let loss: Error | undefined;
  let wakeReader: (() => void) | undefined;
  let wakeWriter: (() => void) | undefined;
  const wake = (): void => {
    wakeReader?.();
    wakeWriter?.();
    if (ended && queue.length === 0) drained.resolve();
  };
  const finish = (breaks: boolean): void => {
    ended = true;
    broken ||= breaks;
    wake();
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        while (queue.length === 0 && !ended) {
          await new Promise<void>((resolve) => {
            wakeReader = resolve;
          });
        }
        const chunk = queue.shift();
        bytes -= chunk?.length ?? 0;
        wake();
        if (chunk !== undefined) controller.enqueue(chunk);
        else if (loss !== undefined) controller.error(loss);
        else controller.close();
      },
      cancel() {
        queue.length = 0;
        finish(true);
      },
    },
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<Uint8Array>({
    async write(chunk) {
      while (bytes >= PIPE_BYTES && !broken) {
        await new Promise<void>((resolve) => {
          wakeWriter = resolve;
        });
      }
      if (broken || ended) throw loss ?? new HostError('io', 'Could not write: nobody reads it any more.');
      if (chunk.length === 0) return;
      queue.push(chunk.slice());
      bytes += chunk.length;
      wake();
    },
    close: () => finish(false),
    abort: () => finish(true),
  });
  return {
    readable,
    writable,
    drained: drained.promise,
    end: () => finish(false),
    hangUp: (failure) => {
      loss = failure;
      finish(true);
    },
  };
}

interface MemoryEndable {
  readonly exit: Promise<ProcessExit>;
  readonly hangUp: () => void;
  readonly signal: (name: ProcessSignal) => void;
}

const STEPS = ['eof', 'term', 'kill'] as const;

function createMemoryEnding(target: MemoryEndable): (options?: EndOptions) => Promise<ProcessExit> {
  let step = -1;
  let timer: NodeJS.Timeout | undefined;
  const advance = (to: number, graceMs: number): void => {
    if (to <= step || to >= STEPS.length) return;
    step = to;
    clearTimeout(timer);
    if (step === 0) target.hangUp();
    else target.signal(step === 1 ? 'SIGTERM' : 'SIGKILL');
    timer = setTimeout(() => advance(step + 1, graceMs), graceMs);
  };
  return async ({ from = 'eof', graceMs = 5_000 } = {}) => {
    checkTime(graceMs, 'graceMs');
    advance(STEPS.indexOf(from), timerMs(graceMs));
    const exit = await target.exit;
    clearTimeout(timer);
    return exit;
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
