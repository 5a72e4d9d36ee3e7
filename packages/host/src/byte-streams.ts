import type { Readable, Writable } from 'node:stream';
import { HostError } from './host-error.ts';

/**
 * A Node stream as a web stream that keeps what nobody has read yet, also after the process on the other end is gone.
 * (Node itself throws away the unread output of an ended child, unless somebody listens for `readable`.)
 */
export interface RetainedOutput {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when the other end has closed and every byte was taken, or when this end was closed. */
  readonly ended: Promise<void>;
  /** Takes what the pipe still holds into memory, so that the pipe itself closes. At most about `limit` bytes. */
  absorb(limit: number): void;
}

export interface RetainOptions {
  /** Why an end of the stream is none: the link to its other end broke. */
  readonly failureAtEnd?: () => HostError | undefined;
  /** Aborts when that link is broken, with the `HostError` as its reason: no end is waited for then, as ssh2 does not always tell of it. */
  readonly lost?: AbortSignal;
  /** The source is one of several that share a channel: when nobody wants it any more, what still comes is dropped, and the channel stays. */
  readonly sharesChannel?: boolean;
}

export function retainOutput(
  source: Readable,
  attempt: string,
  { failureAtEnd, lost, sharesChannel = false }: RetainOptions = {},
): RetainedOutput {
  const ended = Promise.withResolvers<void>();
  const absorbed: Uint8Array[] = [];
  let absorbLimit = 0;
  let failure: HostError | undefined;
  let finished = false;
  let isDropped = false;
  let wake: (() => void) | undefined;
  const onReadable = (): void => {
    // An empty pipe tells that it has ended only when it is read.
    if (source.readableLength === 0 || isDropped) source.read();
    while (absorbLimit > 0) {
      const chunk: Buffer | null = source.read();
      if (chunk === null) break;
      absorbLimit -= chunk.byteLength;
      absorbed.push(chunk);
    }
    wake?.();
  };
  const finish = (): void => {
    if (!finished) failure ??= lost?.aborted ? lost.reason : failureAtEnd?.();
    finished = true;
    lost?.removeEventListener('abort', finish);
    ended.resolve();
    wake?.();
  };
  source.on('readable', onReadable);
  source.once('end', finish);
  source.once('close', finish);
  lost?.addEventListener('abort', finish, { once: true });
  if (source.readableEnded || lost?.aborted) finish();
  source.once('error', (cause) => {
    failure = new HostError('io', `Could not ${attempt}: ${cause.message}`, { cause });
    finish();
  });
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk: Uint8Array | null = absorbed.shift() ?? source.read();
          if (chunk !== null) return controller.enqueue(chunk);
          if (failure !== undefined) return controller.error(failure);
          if (finished) return controller.close();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      cancel() {
        absorbed.length = 0;
        if (!sharesChannel) {
          source.destroy();
          return;
        }
        isDropped = true;
        onReadable();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    ended: ended.promise,
    absorb(limit) {
      absorbLimit = limit;
      onReadable();
    },
  };
}

/**
 * A Node stream as a web stream: a write resolves when the operating system has taken the bytes.
 * Writing to an end that nobody reads any more rejects with `io`; closing it is no error. When it is aborted, `breakOff` is called at once.
 */
export function webWritable(
  sink: Writable,
  attempt: string,
  breakOff: () => void = () => sink.destroy(),
): WritableStream<Uint8Array> {
  let lost: Error | undefined;
  sink.on('error', (cause) => {
    lost = cause;
  });
  return new WritableStream<Uint8Array>({
    start(controller) {
      onAborted(controller, breakOff);
    },
    async write(chunk) {
      await new Promise<void>((resolve, reject) => {
        sink.write(chunk, (cause) => {
          if (cause == null) return resolve();
          const reason = (lost ?? cause).message;
          reject(
            new HostError('io', `Could not ${attempt}: nobody reads it any more (${reason}).`, { cause }),
          );
        });
      });
    },
    async close() {
      if (sink.destroyed) return;
      await new Promise<void>((resolve) => {
        sink.once('close', resolve);
        sink.end(resolve);
      });
    },
  });
}

/** Calls back as soon as a stream is aborted. A sink's `abort` would wait for a write that is under way, and that nobody may take. */
export function onAborted(controller: WritableStreamDefaultController, breakOff: () => void): void {
  // The types of Node 24 do not have the signal.
  if (!('signal' in controller) || !(controller.signal instanceof AbortSignal)) return;
  controller.signal.addEventListener('abort', breakOff, { once: true });
}
