/** Takes a stream of chunks apart into pieces of wanted sizes. */
export interface ByteReader {
  /** Exactly so many bytes; fewer only at the end of the stream. */
  readonly exactly: (bytes: number) => Promise<Uint8Array>;
  /** What comes next, so many bytes at the most; `undefined` at the end. */
  readonly upTo: (bytes: number) => Promise<Uint8Array | undefined>;
}

export function createByteReader(chunks: AsyncIterator<Uint8Array>): ByteReader {
  let rest: Uint8Array = new Uint8Array();
  const upTo = async (bytes: number): Promise<Uint8Array | undefined> => {
    while (rest.length === 0) {
      const { value, done } = await chunks.next();
      if (done) return undefined;
      rest = value;
    }
    const piece = rest.subarray(0, bytes);
    rest = rest.subarray(piece.length);
    return piece;
  };
  return {
    upTo,
    async exactly(bytes) {
      if (rest.length >= bytes) {
        const piece = rest.subarray(0, bytes);
        rest = rest.subarray(bytes);
        return piece;
      }
      const pieces: Uint8Array[] = [];
      let missing = bytes;
      while (missing > 0) {
        const piece = await upTo(missing);
        if (piece === undefined) break;
        pieces.push(piece);
        missing -= piece.length;
      }
      return Buffer.concat(pieces);
    },
  };
}
