import { HostError } from '../../../host-error.ts';
import type { ProcessExit } from '../../../process.ts';
import { isOutage } from '../../link/outage.ts';
import { channelInput } from '../channel-input.ts';
import type { Attachment, Attachments } from './attachments.ts';

export interface QueuedInputOptions {
  readonly exit: Promise<ProcessExit>;
  /** For messages, after "Could not". */
  readonly attempt: string;
  /** How many bytes have arrived on the host. */
  readonly arrived: () => Promise<number>;
  /** Ends the input there, once so many bytes have arrived. Whether they have: if not, nothing was ended yet. */
  readonly end: (bytes: number) => Promise<boolean>;
}

/** What a durable process reads: what is written is kept until it is known to have arrived, and is sent again over the next connection where it has not. */
export interface QueuedInput {
  readonly stream: WritableStream<Uint8Array>;
  /** Ends it without waiting. */
  hangUp(): void;
}

/** As much is kept before the host is asked what has arrived. */
const UNCONFIRMED_BYTES = 64 * 1024;

export function queuedInput(attachments: Attachments, options: QueuedInputOptions): QueuedInput {
  const { exit, attempt } = options;
  const kept: Uint8Array[] = [];
  /** Bytes before the first of `kept`, those that were sent over the present attachment included, and those that were written at all. */
  let confirmed = 0;
  let written = 0;
  let sent = 0;
  let writer:
    | { readonly attachment: Attachment; readonly sink: WritableStreamDefaultWriter<Uint8Array> }
    | undefined;
  let hasHungUp = false;
  let hasEnded = false;

  const confirm = (arrived: number): void => {
    for (
      let first = kept[0];
      first !== undefined && confirmed + first.byteLength <= arrived;
      first = kept[0]
    ) {
      confirmed += first.byteLength;
      kept.shift();
    }
  };
  /** All that was kept, from the byte on that this attachment has not seen. */
  const unsent = (): Uint8Array[] => {
    let at = confirmed;
    return kept.flatMap((chunk) => {
      const from = Math.max(0, sent - at);
      at += chunk.byteLength;
      return from < chunk.byteLength ? [chunk.subarray(from)] : [];
    });
  };
  const writerFor = (attachment: Attachment): WritableStreamDefaultWriter<Uint8Array> => {
    if (writer?.attachment === attachment) return writer.sink;
    const { channel, drained, exit } = attachment.script;
    // Its end would be taken for that of the connection.
    const sink = channelInput(channel, { exit, drained, attempt, hangUp: () => undefined }).getWriter();
    sink.closed.catch(() => undefined);
    writer = { attachment, sink };
    sent = attachment.arrived;
    confirm(attachment.arrived);
    return sink;
  };
  const gone = (): Error =>
    attachments.failure ?? new HostError('io', `Could not ${attempt}: nobody reads it any more.`);
  /** Sends what is there over whichever attachment there is. */
  const flush = async (): Promise<void> => {
    for (let next = await attachments.current(); next !== undefined; next = await attachments.after(next)) {
      const sink = writerFor(next);
      try {
        for (const chunk of unsent()) {
          await sink.write(chunk);
          sent += chunk.byteLength;
        }
        return;
      } catch {
        if ((await next.exit) !== undefined) break;
      }
    }
    throw gone();
  };
  let turn: Promise<void> = Promise.resolve();
  const flushInTurn = async (): Promise<void> => {
    turn = turn.catch(() => undefined).then(flush);
    await turn;
  };
  /** What was sent and has not arrived is sent again, also when nobody writes. */
  const follow = async (): Promise<void> => {
    for (let next = await attachments.current(); next !== undefined; next = await attachments.after(next)) {
      await flushInTurn().catch(() => undefined);
      if ((await next.exit) !== undefined) return;
    }
  };
  void follow();
  const askWhatArrived = async (): Promise<void> => {
    try {
      confirm(await options.arrived());
    } catch (failure) {
      // The link is unsteady: the next write asks again.
      if (!isOutage(failure)) throw failure;
    }
  };
  const end = async (): Promise<void> => {
    if (hasHungUp) return;
    hasHungUp = true;
    try {
      // What is still on its way, perhaps over a connection that is just coming, must not be cut off.
      while (!(await options.end(written)) && !hasEnded);
    } catch (failure) {
      if (hasEnded) return;
      hasHungUp = false;
      throw failure;
    }
  };
  void exit.then(() => {
    hasEnded = true;
    kept.length = 0;
  });
  return {
    stream: new WritableStream<Uint8Array>({
      async write(chunk) {
        if (hasEnded) throw gone();
        if (chunk.byteLength === 0) return;
        // The caller may use its memory again.
        kept.push(chunk.slice());
        written += chunk.byteLength;
        await flushInTurn();
        if (written - confirmed >= UNCONFIRMED_BYTES) await askWhatArrived();
      },
      close: end,
      abort: end,
    }),
    hangUp: () => void end().catch(() => undefined),
  };
}
