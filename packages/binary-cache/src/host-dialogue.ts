import type { Command, Host, HostProcess } from '@seedbed/host';
import { BinaryCacheError } from './binary-cache-error.ts';
import { describeEnd, throwIfLost } from './host-command.ts';
import { failureFromText } from './host-failure.ts';
import { abortedError } from './single-flight.ts';

/** A script on the host that is told something, and says lines. Disposal ends it. */
export interface HostDialogue extends AsyncDisposable {
  /**
   * The next line that it says.
   * @throws {BinaryCacheError} `host-lost`, `aborted`; `no-space`, `cache-unwritable`, `install-failed` when it ends instead, or says nothing for long.
   */
  hear(): Promise<string>;
  /** Resolves when it is on its way; what nobody takes any more is no failure of this: how the script ended says why. */
  tell(bytes: Uint8Array | string): Promise<void>;
}

export interface DialogueOptions {
  /** For messages: `Sending the archive`. */
  readonly doing: string;
  readonly signal: AbortSignal;
  /** How long it may say nothing and take nothing, in milliseconds. */
  readonly silenceMs: number;
}

const maxLineBytes = 4_096;
const maxStderrBytes = 8_192;

/** How long a script has for what it tidies up at its end: on a busy host some seconds may pass before it runs at all. */
const endingMs = 30_000;
/** The same for one that has said nothing for long, or that nobody waits for any more. */
const hastyEndingMs = 2_000;

export async function openDialogue(
  host: Host,
  command: Command,
  options: DialogueOptions,
): Promise<HostDialogue> {
  const { doing, signal, silenceMs } = options;
  const process = await host.spawn(command, { signal });
  const stdin = process.stdin.getWriter();
  // Whoever writes to it hears of it.
  stdin.closed.catch(() => undefined);
  const lines = linesOf(process.stdout);
  const stderr = tailOf(process.stderr);
  const whenEnded = async (): Promise<never> => {
    const end = { exit: await process.closed, stderr: await stderr };
    throwIfLost(end, doing);
    throw failureFromText(describeEnd(end), doing);
  };
  let graceMs = endingMs;
  const bounded = async <T>(work: Promise<T>): Promise<T> => {
    const stop = Promise.withResolvers<never>();
    const giveUp = (error: BinaryCacheError): void => {
      graceMs = hastyEndingMs;
      stop.reject(error);
    };
    const timer = setTimeout(() => {
      const text = `the host said and took nothing for ${silenceMs / 1000} s`;
      giveUp(new BinaryCacheError('install-failed', `${doing} failed: ${text}.`));
    }, silenceMs);
    const onAbort = (): void => giveUp(abortedError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([work, stop.promise]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      work.catch(() => undefined);
    }
  };
  return {
    hear: () =>
      bounded(
        (async () => {
          const next = await lines.next();
          return next.done === true ? await whenEnded() : next.value;
        })(),
      ),
    tell: (bytes) =>
      bounded(
        stdin
          .write(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes)
          .catch(() => undefined),
      ),
    [Symbol.asyncDispose]: () => letGo(process, graceMs),
  };
}

/** Lets it end by itself first: it has something to tidy up. That it cannot be ended is a smaller failure than the one that is on its way. */
async function letGo(process: HostProcess, graceMs: number): Promise<void> {
  try {
    await process.end({ graceMs });
    await process[Symbol.asyncDispose]();
  } catch {}
}

/** The loss of the link ends them: how the process ended says what it was. */
async function* linesOf(output: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of output) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      yield* lines;
      if (text.length > maxLineBytes)
        throw new BinaryCacheError('install-failed', 'The host says a line without end.');
    }
  } catch (error) {
    if (error instanceof BinaryCacheError) throw error;
  }
}

async function tailOf(output: ReadableStream<Uint8Array>): Promise<string> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of output)
      text = (text + decoder.decode(chunk, { stream: true })).slice(-maxStderrBytes);
  } catch {}
  return text;
}
