import { abortedError } from './abort.ts';
import { collectBytes, type OutputLimit } from './collect-bytes.ts';
import { describeCommand, describeExit, outputTail } from './command-story.ts';
import type { FileBody, Host } from './host.ts';
import { HostError } from './host-error.ts';
import { checkCount, checkTime, timerMs } from './option-values.ts';
import type { Command, HostProcess, ProcessExit } from './process.ts';

export interface RunOptions {
  /** What the command reads on its standard input; nothing by default. A command that does not read all of it is no failure. */
  readonly input?: FileBody;
  /** 60,000 by default; `Infinity` for none. After it the command is ended and `run` fails with `timeout`. */
  readonly timeoutMs?: number;
  /** How much of each output is kept, in bytes; the rest is read and dropped. 1 MiB by default. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
  /** How long the command is given after SIGTERM, when it is ended for a timeout, an abort or a failure, in milliseconds. 1,000 by default; more for one that has to tidy up. */
  readonly graceMs?: number;
  /** Fail with `command-failed` unless the command exits with 0. */
  readonly check?: boolean;
}

export interface RunResult {
  readonly exit: ProcessExit;
  /** As UTF-8; the beginning of it, when it was more than `maxOutputBytes`. */
  readonly stdout: string;
  /** As UTF-8; the end of it, when it was more than `maxOutputBytes`. */
  readonly stderr: string;
  readonly truncated: boolean;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_GRACE_MS = 1_000;
const DEFAULT_OUTPUT_BYTES = 1024 * 1024;

/**
 * Runs a command to its end and gives what it printed. What it leaves behind on purpose (a daemon that has closed its output) is left running;
 * on a timeout, an abort or a failure everything that comes from the command is ended.
 *
 * @throws {HostError} what `Host.spawn` throws, `timeout`, `aborted`, `invalid-config`, and with `check` also `command-failed` and `host-lost`.
 */
export async function run(host: Host, command: Command, options: RunOptions = {}): Promise<RunResult> {
  checkTime(options.timeoutMs, 'timeoutMs');
  checkTime(options.graceMs, 'graceMs');
  checkCount(options.maxOutputBytes, 'maxOutputBytes');
  const { signal, graceMs = DEFAULT_GRACE_MS } = options;
  const process = await host.spawn(command, { graceMs, ...(signal && { signal }) });
  const maxBytes = options.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
  let result: RunResult;
  try {
    result = await orDeadline(finish(process, options.input, maxBytes), command, options);
  } catch (failure) {
    await letGo(process, graceMs);
    throw failure;
  }
  if (options.check) refuseFailure(command, result);
  return result;
}

/** That it could not be ended is a smaller failure than the one that is on its way to the caller. */
async function letGo(process: HostProcess, graceMs: number): Promise<void> {
  try {
    await process.end({ from: 'term', graceMs });
    await process[Symbol.asyncDispose]();
  } catch {}
}

async function finish(
  process: HostProcess,
  input: FileBody | undefined,
  maxBytes: number,
): Promise<RunResult> {
  const stdoutLimit: OutputLimit = { maxBytes, keep: 'beginning' };
  const stderrLimit: OutputLimit = { maxBytes, keep: 'end' };
  const [stdout, stderr] = await Promise.all([
    collectBytes(process.stdout, stdoutLimit),
    collectBytes(process.stderr, stderrLimit),
    feed(process.stdin, input),
  ]);
  const exit = await process.closed;
  const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return {
    exit,
    stdout: decode(stdout.bytes),
    stderr: decode(stderr.bytes),
    truncated: stdout.truncated || stderr.truncated,
  };
}

/** A command may end without reading its input; how it ended says whether that was a failure. That of the input's own source is one. */
async function feed(stdin: WritableStream<Uint8Array>, input: FileBody | undefined): Promise<void> {
  const writer = stdin.getWriter();
  for await (const chunk of chunksOf(input)) {
    const isTaken = await writer.write(chunk).then(
      () => true,
      () => false,
    );
    if (!isTaken) return;
  }
  await writer.close().catch(() => undefined);
}

async function* chunksOf(input: FileBody | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  if (input === undefined || input === '') return;
  if (typeof input === 'string') yield new TextEncoder().encode(input);
  else if (input instanceof Uint8Array) yield input;
  else yield* input;
}

async function orDeadline<T>(work: Promise<T>, command: Command, options: RunOptions): Promise<T> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const cut = Promise.withResolvers<never>();
  const isTimed = Number.isFinite(timeoutMs);
  const onTimeout = (): void => {
    const what = `${describeCommand(command)} did not end, or did not let go of its output, within ${timeoutMs} ms`;
    cut.reject(new HostError('timeout', `${what}; it was ended.`));
  };
  const timer = isTimed ? setTimeout(onTimeout, timerMs(timeoutMs)) : undefined;
  const { signal } = options;
  const onAbort = (): void => {
    if (signal !== undefined) cut.reject(abortedError(signal, `run ${describeCommand(command)}`));
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  try {
    return await Promise.race([work, cut.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
  }
}

function refuseFailure(command: Command, { exit, stdout, stderr }: RunResult): void {
  if (exit.kind === 'exited' && exit.code === 0) return;
  const where = command.cwd === undefined ? '' : ` in ${command.cwd}`;
  const story = `${describeCommand(command)}${where} ${describeExit(exit)}${outputTail(stderr || stdout)}`;
  if (exit.kind === 'lost') throw new HostError('host-lost', story, { cause: exit.cause });
  throw new HostError('command-failed', story);
}
