/** A stream that is cut by marks: a token, and a letter that says what follows. */
export interface MarkedStream {
  /** The letter of the mark that comes next, directly; `undefined` when something else comes, or nothing. */
  readonly mark: () => Promise<string | undefined>;
  /** What comes before the next mark. Ends early when the stream does: then no mark follows. */
  readonly content: () => AsyncGenerator<Uint8Array, void, undefined>;
}

export function createMarkedStream(chunks: AsyncIterator<Uint8Array>, tokenText: string): MarkedStream {
  const token = Buffer.from(tokenText);
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<boolean> => {
    const { value, done } = await chunks.next();
    if (done) return false;
    const chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    return true;
  };
  return {
    async mark() {
      while (rest.length <= token.length) if (!(await more())) return undefined;
      if (!rest.subarray(0, token.length).equals(token)) return undefined;
      const letter = rest.toString('latin1', token.length, token.length + 1);
      rest = rest.subarray(token.length + 1);
      return letter;
    },
    async *content() {
      for (;;) {
        const at = rest.indexOf(token);
        const end = at >= 0 ? at : rest.length - possibleStart(rest, token);
        if (end > 0) {
          const piece = rest.subarray(0, end);
          rest = rest.subarray(end);
          yield piece;
        }
        if (at >= 0 || !(await more())) return;
      }
    },
  };
}

/** How many of the last bytes may be the beginning of a token whose end has not come. */
function possibleStart(bytes: Buffer, token: Buffer): number {
  for (let length = Math.min(bytes.length, token.length - 1); length > 0; length -= 1)
    if (bytes.subarray(bytes.length - length).equals(token.subarray(0, length))) return length;
  return 0;
}
