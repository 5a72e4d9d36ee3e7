import type { Readable, Writable } from 'node:stream';
import { createCounterweight } from './counterweight.ts';
import { HostError } from './host-error.ts';
import { releaseMemory } from './release-memory.ts';

/**
 * A Node stream as a web stream that keeps what nobody has read yet, also after the process on the other end is gone.
 * (Node itself lets the unread output of an ended child flow away.)
 */
export interface RetainedOutput {
  readonly stream: ReadableStream<Uint8Array>;
  /** Resolves when the other end has closed and every byte was taken from it, or when this end was closed. */
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

/** As much is taken from a source for a reader that has not asked for it yet. */
const READ_AHEAD_BYTES = 256 * 1024;

export function retainOutput(
  source: Readable,
  attempt: string,
  { failureAtEnd, lost, sharesChannel = false }: RetainOptions = {},
): RetainedOutput {
  const ended = Promise.withResolvers<void>();
  const taken: Uint8Array[] = [];
  const counterweight = createCounterweight();
  let takenBytes = 0;
  let limit = 0;
  let failure: HostError | undefined;
  let finished = false;
  let isDropped = false;
  let wake: (() => void) | undefined;
  // Chunk by chunk: `read()` would copy all that the source holds into one new buffer, of up to 3 MB for an SSH channel.
  source.on('data', (chunk: Uint8Array) => {
    if (isDropped) return;
    if (limit === 0) {
      // Nobody reads yet: it flows only to tell of its end.
      source.pause();
      source.unshift(chunk);
      return;
    }
    taken.push(chunk);
    takenBytes += chunk.byteLength;
    // Also when it was paused before: Node resumes the streams of a child that has ended.
    if (takenBytes >= limit) source.pause();
    wake?.();
  });
  const finish = (): void => {
    if (!finished) failure ??= lost?.aborted ? lost.reason : failureAtEnd?.();
    finished = true;
    lost?.removeEventListener('abort', finish);
    ended.resolve();
    wake?.();
  };
  source.once('end', finish);
  source.once('close', finish);
  lost?.addEventListener('abort', finish, { once: true });
  if (source.readableEnded || lost?.aborted) finish();
  source.once('error', (cause) => {
    failure = new HostError('io', `Could not ${attempt}: ${cause.message}`, { cause });
    finish();
  });
  source.resume();
  const take = (): Uint8Array | undefined => {
    // What had come before a loss is still there, and comes as `data`.
    if (finished && taken.length === 0) source.read();
    if (taken.length === 0) return undefined;
    // An SSH packet is small, and each chunk costs its reader the same.
    const chunk = sharesChannel ? joined(taken.splice(0)) : taken.shift();
    if (chunk === undefined) return undefined;
    takenBytes -= chunk.byteLength;
    counterweight.add(chunk.byteLength);
    if (takenBytes < limit && source.isPaused()) source.resume();
    return chunk;
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (limit === 0) {
          limit = READ_AHEAD_BYTES;
          source.resume();
        }
        for (;;) {
          const chunk = take();
          if (chunk !== undefined) return controller.enqueue(chunk);
          if (failure !== undefined) return controller.error(failure);
          if (finished) return controller.close();
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      },
      cancel() {
        taken.length = 0;
        isDropped = true;
        if (sharesChannel) source.resume();
        else source.destroy();
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    ended: ended.promise,
    absorb(bytes) {
      limit = takenBytes + bytes;
      source.resume();
    },
  };
}

/** The chunks as one. Where they had to be copied they are of no use afterwards. */
function joined(chunks: readonly Uint8Array[]): Uint8Array | undefined {
  if (chunks.length < 2) return chunks[0];
  const whole = Buffer.concat(chunks);
  for (const chunk of chunks) releaseMemory(chunk);
  return whole;
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
