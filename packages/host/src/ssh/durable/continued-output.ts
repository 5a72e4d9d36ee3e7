import type { RetainedOutput } from '../../byte-streams.ts';
import type { Attachment, Attachments } from './attachments.ts';

/** One of a durable process's outputs, through all attachments as if there were one. */
export interface ContinuedOutput extends RetainedOutput {
  /** How many bytes of it were handed on. */
  readonly taken: number;
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
          await attachments.current();
          const [now, from] = [attachment, reader];
          if (now === undefined || from === undefined) continue;
          // A read that fails tells no more than that the attachment broke.
          const item = await from.read().catch(() => undefined);
          if (item?.value !== undefined) {
            taken += item.value.byteLength;
            controller.enqueue(item.value);
            return;
          }
          if ((await now.exit) !== undefined) return controller.close();
          if ((await attachments.after(now)) !== undefined) continue;
          if (attachments.failure === undefined) return controller.close();
          controller.error(attachments.failure);
          return;
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
    get taken() {
      return taken;
    },
    absorb(limit) {
      absorbLimit = limit;
      source?.absorb(limit);
    },
  };
}
