/** Takes a stream of chunks apart into pieces of wanted sizes. */
export interface ByteReader {
  /** Exactly so many bytes where they are here already, without waiting; else nothing, and none are taken. */
  readonly atHand: (bytes: number) => Uint8Array | undefined;
  /** Exactly so many bytes; fewer only at the end of the stream. */
  readonly exactly: (bytes: number) => Promise<Uint8Array>;
  /** What comes next, so many bytes at the most; `undefined` at the end. */
  readonly upTo: (bytes: number) => Promise<Uint8Array | undefined>;
}

export function createByteReader(chunks: AsyncIterator<Uint8Array>): ByteReader {
  let chunk: Uint8Array = new Uint8Array();
  let at = 0;
  const take = (bytes: number): Uint8Array => {
    const piece = chunk.subarray(at, at + bytes);
    at += piece.length;
    return piece;
  };
  const atHand = (bytes: number): Uint8Array | undefined =>
    chunk.length - at < bytes ? undefined : take(bytes);
  const upTo = async (bytes: number): Promise<Uint8Array | undefined> => {
    while (at === chunk.length) {
      const { value, done } = await chunks.next();
      if (done) return undefined;
      // Not a Buffer: cutting pieces off one takes three times as long.
      chunk = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      at = 0;
    }
    return take(bytes);
  };
  return {
    atHand,
    upTo,
    async exactly(bytes) {
      const whole = atHand(bytes);
      if (whole !== undefined) return whole;
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
