import { throwIfAborted } from '../abort.ts';
import type { Host } from '../host.ts';
import { HostError, type HostErrorCode } from '../host-error.ts';
import type { HostPath } from '../host-path.ts';
import {
  type Ask,
  type Asks,
  type Batch,
  type BatchBounds,
  createAsks,
  type Located,
  rangesOf,
} from './asks.ts';
import { openSender, type Sender, type SenderScript } from './sender.ts';

/** Where these come, there is no such command; the file operations say what is wrong. */
const UNABLE: readonly HostErrorCode[] = ['command-not-found', 'command-not-executable', 'unsupported'];

/** How a command on the host answers what is asked about files. */
export interface Exchange<R extends Located, T> {
  /** Completes the sentence "Could not …". */
  readonly attempt: string;
  readonly files: AsyncIterable<R>;
  readonly bounds: BatchBounds<R>;
  readonly script: SenderScript<R>;
  readonly answers: (answer: Answer) => Answers<R, T>;
  /** Answers by file operations, where the host has no such command. */
  readonly otherwise: (files: AsyncIterable<R>) => AsyncIterable<T>;
  readonly signal?: AbortSignal;
}

/** What the command says. */
export interface Answer {
  /** The letter of the mark that comes next. @throws {HostError} when it is none of `letters`. */
  readonly mark: (letters: string) => Promise<string>;
  /** What comes before the next mark. */
  readonly content: () => AsyncGenerator<Uint8Array, void, undefined>;
}

export interface Answers<R, T> {
  readonly single: (range: R) => AsyncGenerator<T, void, undefined>;
  /** Whether it was right. If not, nothing was given, and it will be asked for one by one. */
  readonly batch: (batch: Batch<R>) => AsyncGenerator<T, boolean, undefined>;
}

/**
 * Asks one command on the host about files, in their order, where it has a shell and GNU's or BusyBox's tools. Where it is seen only afterwards that a batch
 * cannot be used, a second command goes on from there.
 */
export async function* exchange<R extends Located, T>(
  host: Host,
  root: HostPath,
  work: Exchange<R, T>,
): AsyncGenerator<T, void, undefined> {
  const asks = createAsks(work.files, work.bounds);
  try {
    for (;;) {
      const end = yield* exchangeOnce(host, root, { ...work, asks });
      if (end === 'done') return;
      if (end === 'unable') return yield* work.otherwise(flat(asks));
      asks.putBack(end);
    }
  } finally {
    await asks.close();
  }
}

async function* flat<R>(asks: Asks<R>): AsyncGenerator<R, void, undefined> {
  for (let ask = await asks.next(); ask !== undefined; ask = await asks.next()) yield* rangesOf(ask);
}

/** Gives what must be asked again, if anything. */
async function* exchangeOnce<R extends Located, T>(
  host: Host,
  root: HostPath,
  { attempt, asks, script, answers, signal }: Exchange<R, T> & { readonly asks: Asks<R> },
): AsyncGenerator<T, 'done' | 'unable' | readonly Ask<R>[], undefined> {
  let opened: Sender<R>;
  try {
    opened = await openSender(host, root, { asks, script, signal });
  } catch (failure) {
    if (failure instanceof HostError && UNABLE.includes(failure.code)) return 'unable';
    throw failure;
  }
  await using sender = opened;
  try {
    if ((await sender.stream.mark()) !== 's') {
      const failure = await sender.failure(attempt);
      if (failure.code !== 'io') throw failure;
      asks.putBack(await sender.stop());
      return 'unable';
    }
    const { single, batch } = answers(answerOf(sender, attempt));
    for (let ask = await sender.next(); ask !== undefined; ask = await sender.next()) {
      throwIfAborted(signal, attempt);
      let isRight = true;
      if (ask.kind === 'single') yield* single(ask.range);
      else isRight = yield* batch(ask);
      if (isRight) continue;
      const again = rangesOf(ask).map((range): Ask<R> => ({ kind: 'single', range }));
      return [...again, ...(await sender.stop())];
    }
    await sender.finish();
    return 'done';
  } catch (failure) {
    throwIfAborted(signal, attempt);
    throw failure;
  }
}

function answerOf<R>({ stream, failure }: Sender<R>, attempt: string): Answer {
  return {
    content: stream.content,
    async mark(letters) {
      const letter = await stream.mark();
      if (letter === undefined || !letters.includes(letter)) throw await failure(attempt);
      return letter;
    },
  };
}
