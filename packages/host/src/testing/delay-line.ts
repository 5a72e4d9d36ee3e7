import type { Socket } from 'node:net';

/** What may be under way in one direction of one connection, in bytes: beyond it the sender is held back. */
const MAX_UNDER_WAY_BYTES = 64 * 1024 * 1024;

export interface DelayLineOptions {
  readonly from: Socket;
  readonly to: Socket;
  /** How long what is read now is under way, in milliseconds. */
  readonly delayMs: () => number;
  /** Called when a piece is read; the function that it gives, right before the piece is handed on. */
  readonly onRead: () => () => void;
  /** Writes a piece to the receiver. `false` when nothing more is to be handed on before the receiver's `drain`. */
  readonly handOn: (chunk: Buffer) => boolean;
}

/** One direction of a connection, in which everything arrives later and in order. */
export interface DelayLine {
  /** Nothing is read and nothing arrives, until `flow`. */
  stall(): void;
  flow(): void;
}

interface UnderWay {
  readonly dueAt: number;
  /** `undefined` is the end of the stream. */
  readonly chunk: Buffer | undefined;
  readonly arrive: (() => void) | undefined;
}

/** Holds the sender back when the receiver takes no more; passes on the end of the stream, and a break as a reset. */
export function createDelayLine(options: DelayLineOptions): DelayLine {
  const { from, to } = options;
  const queue: UnderWay[] = [];
  let bytes = 0;
  let isStalled = false;
  let isBlocked = false;
  let lastDueAt = 0;
  let brokenAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;

  const dueAt = (): number => {
    lastDueAt = Math.max(lastDueAt, performance.now() + options.delayMs());
    return lastDueAt;
  };
  const deliver = ({ chunk, arrive }: UnderWay): void => {
    if (chunk === undefined) return void to.end();
    bytes -= chunk.byteLength;
    arrive?.();
    isBlocked = !options.handOn(chunk);
  };
  const update = (): void => {
    clearTimeout(timer);
    if (to.destroyed) {
      queue.length = 0;
      return;
    }
    const now = performance.now();
    let next = queue[0];
    while (next !== undefined && !isStalled && !isBlocked && next.dueAt <= now) {
      queue.shift();
      deliver(next);
      next = queue[0];
    }
    // A break does not wait for a receiver that takes nothing, as a reset does not.
    if (brokenAt !== undefined && brokenAt <= now && !isStalled) return void to.resetAndDestroy();
    const wakeAt = Math.min(isBlocked ? Infinity : (next?.dueAt ?? Infinity), brokenAt ?? Infinity);
    if (!isStalled && wakeAt !== Infinity) timer = setTimeout(update, Math.max(0, wakeAt - now));
    if (isStalled || isBlocked || bytes >= MAX_UNDER_WAY_BYTES) from.pause();
    else from.resume();
  };

  from.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength;
    queue.push({ chunk, dueAt: dueAt(), arrive: options.onRead() });
    update();
  });
  from.once('end', () => {
    queue.push({ chunk: undefined, dueAt: dueAt(), arrive: undefined });
    update();
  });
  from.once('close', (hadError) => {
    if (hadError) brokenAt = dueAt();
    update();
  });
  to.on('drain', () => {
    isBlocked = false;
    update();
  });
  to.once('close', update);
  update();
  return {
    stall() {
      isStalled = true;
      update();
    },
    flow() {
      isStalled = false;
      update();
    },
  };
}
