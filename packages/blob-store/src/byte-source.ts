import { abortedError } from './abort.ts';

/** Where bytes come from, piece by piece. */
export interface ByteSource {
  /** `undefined` is the end. Not called again after that, nor before the last call has settled. */
  next(): Promise<Uint8Array | undefined>;
  /** Called once, when nothing more is wanted: after the end, a failure, a cancellation or an abort. */
  close(): Promise<void> | void;
}

/** A stream of what the source gives, which is asked only when somebody reads. The signal ends it as long as it is read. */
export function byteStream(
  source: ByteSource,
  { signal, attempt }: { readonly signal: AbortSignal | undefined; readonly attempt: string },
): ReadableStream<Uint8Array> {
  let isClosed = false;
  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    signal?.removeEventListener('abort', onAbort);
    await source.close();
  };
  let fail: (error: unknown) => void = () => undefined;
  const onAbort = (): void => {
    if (signal !== undefined) fail(abortedError(signal, attempt));
    void close();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = (error) => controller.error(error);
        if (signal?.aborted) onAbort();
        else signal?.addEventListener('abort', onAbort, { once: true });
      },
      async pull(controller) {
        try {
          const piece = await source.next();
          if (isClosed) return;
          if (piece !== undefined) return controller.enqueue(piece);
        } catch (error) {
          if (isClosed) return;
          await close();
          throw error;
        }
        await close();
        controller.close();
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}
