export interface WaitingBytes {
  add(chunk: Uint8Array): void;
  size(): number;
  /** The first `count` bytes, or all if there are fewer. */
  take(count: number): Uint8Array;
}

/** Bytes that came in pieces of any size, to be taken in others. */
export function createWaitingBytes(): WaitingBytes {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    add(chunk) {
      if (chunk.byteLength === 0) return;
      chunks.push(chunk);
      size += chunk.byteLength;
    },
    size: () => size,
    take(count) {
      const wanted = Math.min(count, size);
      size -= wanted;
      const taken: Uint8Array[] = [];
      let missing = wanted;
      while (missing > 0) {
        const chunk = chunks[0];
        if (chunk === undefined) break;
        const part = chunk.subarray(0, missing);
        if (part.byteLength === chunk.byteLength) chunks.shift();
        else chunks[0] = chunk.subarray(missing);
        taken.push(part);
        missing -= part.byteLength;
      }
      const [only] = taken;
      return taken.length === 1 && only !== undefined ? only : Buffer.concat(taken);
    },
  };
}
