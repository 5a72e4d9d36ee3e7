import { constants as osConstants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty, IPtyForkOptions } from '@lydell/node-pty';
import type { RetainedOutput } from '../byte-streams.ts';
import type { CheckedCommand } from '../check-command.ts';
import { HostError } from '../host-error.ts';
import type { ProcessExit, PtySize } from '../process.ts';
import { identifyProcess } from '../process-tree.ts';
import { byteExactCommand } from './byte-exact-command.ts';
import { findProgram } from './find-program.ts';
import { readBeforeDestruction } from './pty-remainder.ts';
import type { StartedProcess } from './started-process.ts';

const DEFAULT_TERM = 'xterm-256color';
const END_OF_INPUT = Buffer.of(4);
const HIGH_WATER_BYTES = 256 * 1024;
/** Shorter than the 200 ms after which node-pty throws away what an ended process wrote and nobody has read. */
const PAUSED_LOOK_MS = 50;

/** What node-pty does and its declarations do not say: with `encoding: null` data are bytes in both directions. */
interface BytePty extends Omit<IPty, 'write' | 'onData'> {
  write(data: string | Uint8Array): void;
  onData(listener: (data: string | Uint8Array) => void): void;
}

/** Starts a process in a terminal of its own, which makes it the leader of a session and group. */
export async function startPtyProcess(
  command: CheckedCommand,
  pty: PtySize & { readonly term?: string },
): Promise<StartedProcess> {
  const spawn = await loadPtySpawn();
  const request = await byteExactCommand(command);
  // node-pty reports a missing program as an exit with code 1.
  const program = await findProgram(request);
  const options: IPtyForkOptions = {
    name: pty.term ?? DEFAULT_TERM,
    cols: pty.columns,
    rows: pty.rows,
    cwd: request.cwd,
    env: request.env,
    encoding: null,
  };
  let terminal: BytePty;
  try {
    terminal = spawn(program, request.argv.slice(1), options);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HostError('io', `Could not start ${program} in a terminal: ${reason}`, { cause });
  }
  readBeforeDestruction(terminal);
  const exit = Promise.withResolvers<ProcessExit>();
  let hasEnded = false;
  terminal.onExit(({ exitCode, signal }) => {
    hasEnded = true;
    exit.resolve(ptyExit(exitCode, signal));
  });
  const write = (chunk: Uint8Array): void => {
    if (hasEnded)
      throw new HostError('io', `Could not write to ${program} (process ${terminal.pid}): it has ended.`);
    terminal.write(chunk);
  };
  const hangUp = (): void => {
    if (!hasEnded) terminal.write(END_OF_INPUT);
  };
  return {
    pid: terminal.pid,
    stdin: new WritableStream<Uint8Array>({ write, close: hangUp }),
    outputs: [terminalOutput(terminal, exit.promise), emptyOutput()],
    exit: exit.promise,
    hangUp,
    unref: () => undefined,
    resize(size) {
      if (!hasEnded) terminal.resize(size.columns, size.rows);
    },
  };
}

async function loadPtySpawn(): Promise<(file: string, args: string[], options: IPtyForkOptions) => BytePty> {
  try {
    const { spawn } = await import('@lydell/node-pty');
    return (file, args, options) => spawn(file, args, options) as BytePty;
  } catch (cause) {
    throw new HostError(
      'unsupported',
      'A process with a terminal needs the optional package @lydell/node-pty: install it beside @seedbed/host.',
      { cause },
    );
  }
}

function ptyExit(code: number, signal: number | undefined): ProcessExit {
  if (signal === undefined || signal === 0) return { kind: 'exited', code };
  const name = Object.entries(osConstants.signals).find(([, number]) => number === signal)?.[0];
  return { kind: 'signaled', name: name ?? `SIG${signal}` };
}

/** What the terminal shows, with back-pressure: it is paused while more is unread than the high water mark. */
function terminalOutput(terminal: BytePty, exit: Promise<ProcessExit>): RetainedOutput {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let paused = false;
  let finished = false;
  let discarded = false;
  let wake: (() => void) | undefined;
  const child = identifyProcess(terminal.pid);
  const resume = (): void => {
    if (!paused) return;
    paused = false;
    terminal.resume();
  };
  const resumeWhenEnded = async (): Promise<void> => {
    while (paused && !finished) {
      await delay(PAUSED_LOOK_MS, undefined, { ref: false });
      if (identifyProcess(terminal.pid)?.started !== child?.started) resume();
    }
  };
  terminal.onData((data) => {
    if (discarded) return;
    const chunk = typeof data === 'string' ? Buffer.from(data) : data;
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > HIGH_WATER_BYTES && !paused) {
      paused = true;
      terminal.pause();
      void resumeWhenEnded();
    }
    wake?.();
  });
  const ended = exit.then(() => {
    finished = true;
    wake?.();
  });
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk = chunks.shift();
          if (chunk !== undefined) {
            bytes -= chunk.byteLength;
            if (bytes < HIGH_WATER_BYTES / 2) resume();
            return controller.enqueue(chunk);
          }
          if (finished) return controller.close();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      // A terminal cannot be closed on one side: what it still shows is dropped.
      cancel() {
        discarded = true;
        chunks.length = 0;
        resume();
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, ended, absorb: () => resume() };
}

function emptyOutput(): RetainedOutput {
  const stream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  return { stream, ended: Promise.resolve(), absorb: () => undefined };
}
