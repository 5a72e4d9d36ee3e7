import { stripVTControlCharacters } from 'node:util';

/** The end of a stream that must be read so that its writer does not stall, kept for the message of an error. */
export interface OutputTail extends AsyncDisposable {
  /** At most the bytes that were asked for, decoded and without the colours of a terminal; of a longer output the end. */
  text(): string;
}

/** Reads `stream` to its end. A failure of it ends the reading: whoever writes to it has its own way to fail. */
export function createOutputTail(
  stream: ReadableStream<Uint8Array>,
  { bytes }: { readonly bytes: number },
): OutputTail {
  let kept = new Uint8Array(0);
  const reader = stream.getReader();

  async function drain(): Promise<void> {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const joined = new Uint8Array(kept.length + value.length);
      joined.set(kept);
      joined.set(value, kept.length);
      kept = joined.slice(Math.max(0, joined.length - bytes));
    }
  }

  const drained = drain().catch(() => undefined);
  return {
    text: () => stripVTControlCharacters(new TextDecoder().decode(kept)),
    async [Symbol.asyncDispose]() {
      await reader.cancel().catch(() => undefined);
      await drained;
    },
  };
}
