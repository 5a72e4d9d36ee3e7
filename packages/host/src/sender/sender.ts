import { randomBytes } from 'node:crypto';
import { PLAIN_LOCALE } from '../archive/host-tar.ts';
import { collectBytes } from '../collect-bytes.ts';
import { describeExit } from '../command-story.ts';
import type { Host } from '../host.ts';
import { HostError } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import type { HostProcess } from '../process.ts';
import type { Ask, Asks } from './asks.ts';
import { createMarkedStream, type MarkedStream } from './marked-stream.ts';
import { senderScript } from './sender-script.ts';

/** Commands go to the host in pieces of this size. */
const PIECE_CHARACTERS = 32 * 1024;
/** Commands are on their way for so many asks at the most; more of them than fit in a piece, or the last of it would wait for ever. */
const MAX_PENDING = 4_096;

/** A command on the host that sends what it is asked for. */
export interface Sender<R> extends AsyncDisposable {
  /** The next ask that was sent; `undefined` when there are no more. */
  readonly next: () => Promise<Ask<R> | undefined>;
  readonly stream: MarkedStream;
  /** Why it sends nothing more. */
  readonly failure: (attempt: string) => Promise<HostError>;
  /** Waits for its own end, when `next` has said that there are no more. */
  readonly finish: () => Promise<void>;
  /** Ends it, and gives back what was asked and not taken with `next`. */
  readonly stop: () => Promise<readonly Ask<R>[]>;
}

export interface SenderScript<R> {
  /** Of the shell. */
  readonly functions: string;
  /** A line for the shell. */
  readonly command: (ask: Ask<R>) => string;
}

export interface SenderOptions<R> {
  readonly asks: Asks<R>;
  readonly script: SenderScript<R>;
  readonly signal?: AbortSignal | undefined;
}

export async function openSender<R>(
  host: Host,
  root: HostPath,
  options: SenderOptions<R>,
): Promise<Sender<R>> {
  const { signal } = options;
  const process = await host.spawn(
    { argv: ['sh'], cwd: root, env: PLAIN_LOCALE },
    signal === undefined ? {} : { signal },
  );
  collectBytes(process.stderr, { maxBytes: 0, keep: 'end' }).catch(() => undefined);
  const token = randomBytes(16).toString('hex');
  let isOver = false;
  const feeding = feed(process, options, token);
  return {
    stream: createMarkedStream(process.stdout[Symbol.asyncIterator](), token),
    next: feeding.next,
    async failure(attempt) {
      const exit = await process.end({ from: 'kill' });
      if (exit.kind === 'lost') return asHostError(exit.cause, attempt);
      return new HostError('io', `Could not ${attempt}: the command that sends them ${describeExit(exit)}.`);
    },
    async finish() {
      await process.closed;
      isOver = true;
    },
    async stop() {
      await end(process);
      return await feeding.stop();
    },
    async [Symbol.asyncDispose]() {
      if (isOver) return;
      await end(process);
      await feeding.stop();
    },
  };
}

function asHostError(cause: Error, attempt: string): HostError {
  return cause instanceof HostError
    ? cause
    : new HostError('host-lost', `Could not ${attempt}: the host is gone.`, { cause });
}

async function end(process: HostProcess): Promise<void> {
  await process.end({ from: 'kill' });
  await process[Symbol.asyncDispose]();
}

interface Feeding<R> {
  readonly next: () => Promise<Ask<R> | undefined>;
  readonly stop: () => Promise<readonly Ask<R>[]>;
}

/** Writes the script and the commands, a bounded number ahead of those who take the answers. */
function feed<R>(process: HostProcess, { asks, script }: SenderOptions<R>, token: string): Feeding<R> {
  const pending: Ask<R>[] = [];
  const state: { isOver: boolean; isStopped: boolean; failure?: unknown } = {
    isOver: false,
    isStopped: false,
  };
  let changed = Promise.withResolvers<void>();
  const change = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const writing = async (): Promise<void> => {
    const writer = process.stdin.getWriter();
    // How the command ends says why it takes no more.
    const write = async (text: string): Promise<void> => {
      if (!state.isStopped) await writer.write(Buffer.from(text)).catch(() => undefined);
    };
    await write(`${senderScript(token)}${script.functions}m s\n`);
    let piece = '';
    try {
      while (!state.isStopped) {
        if (pending.length >= MAX_PENDING) {
          await changed.promise;
          continue;
        }
        const ask = await asks.next();
        if (ask === undefined) break;
        pending.push(ask);
        change();
        piece += script.command(ask);
        if (piece.length < PIECE_CHARACTERS) continue;
        await write(piece);
        piece = '';
      }
    } finally {
      // Somebody waits for its answers.
      await write(piece);
    }
    if (!state.isStopped) await writer.close().catch(() => undefined);
  };
  const written = writing()
    .catch((failure: unknown) => {
      state.failure = failure;
    })
    .finally(() => {
      state.isOver = true;
      change();
    });
  return {
    async next() {
      for (;;) {
        const ask = pending.shift();
        if (ask !== undefined) {
          change();
          return ask;
        }
        if (state.failure !== undefined) throw state.failure;
        if (state.isOver) return undefined;
        await changed.promise;
      }
    },
    async stop() {
      state.isStopped = true;
      change();
      await written;
      return pending.splice(0);
    },
  };
}
