import type { RetainedOutput } from '../../../byte-streams.ts';
import type { Attachment, Attachments } from './attachments.ts';

/** One of a durable process's outputs, through all attachments as if there were one. */
export interface ContinuedOutput extends RetainedOutput {
  /** How many bytes of it were handed on. From now on none is taken from the present attachment: the next one begins behind them. */
  leave(): number;
}

/** `pick` says which of an attachment's outputs it is. */
export function continuedOutput(
  attachments: Attachments,
  pick: (attachment: Attachment) => RetainedOutput,
): ContinuedOutput {
  let taken = 0;
  let isDropped = false;
  let absorbLimit = 0;
  let source: RetainedOutput | undefined;
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let attachment: Attachment | undefined;

  const use = (next: Attachment): void => {
    if (attachment === next) return;
    attachment = next;
    source = pick(next);
    reader = source.stream.getReader();
    if (absorbLimit > 0) source.absorb(absorbLimit);
    if (isDropped) reader.cancel().catch(() => undefined);
  };
  /** Resolves when the last attachment has nothing more, whoever reads it. */
  const follow = async (): Promise<void> => {
    for (let next = await attachments.current(); next !== undefined; next = await attachments.after(next)) {
      use(next);
      await pick(next).ended;
      if ((await next.exit) !== undefined) return;
    }
  };
  const ended = follow();

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const now = await attachments.current();
          if (now === undefined) {
            if (attachments.failure === undefined) controller.close();
            else controller.error(attachments.failure);
            return;
          }
          use(now);
          const from = reader;
          // A read that fails tells no more than that the attachment broke.
          const item = await from?.read().catch(() => undefined);
          if (reader !== from) continue;
          if (item?.value !== undefined) {
            taken += item.value.byteLength;
            controller.enqueue(item.value);
            return;
          }
          if ((await now.exit) !== undefined) {
            controller.close();
            return;
          }
          await attachments.after(now);
        }
      },
      cancel() {
        isDropped = true;
        reader?.cancel().catch(() => undefined);
      },
    },
    { highWaterMark: 0 },
  );
  return {
    stream,
    ended,
    leave() {
      reader = undefined;
      return taken;
    },
    absorb(limit) {
      absorbLimit = limit;
      source?.absorb(limit);
    },
  };
}
