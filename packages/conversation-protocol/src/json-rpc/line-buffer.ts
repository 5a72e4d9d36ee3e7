const FIRST_CAPACITY = 64 * 1024;

/** The start of a line whose end has not been read yet. */
export interface LineBuffer {
  /** Bytes held. */
  readonly length: number;
  /** Copies `bytes` to the end. */
  append(bytes: Uint8Array): void;
  /** What is held; valid until the next `append`. The buffer is empty afterwards. */
  take(): Uint8Array;
}

/**
 * Grows by doubling up to `maxBytes`, so that a line costs time in proportion to its length however small the pieces are that it comes in,
 * and at the most twice its length in memory. What it took for a long line is let go with that line.
 */
export function createLineBuffer(maxBytes: number): LineBuffer {
  let buffer = new Uint8Array(0);
  let length = 0;

  const reserve = (needed: number): void => {
    if (needed <= buffer.length) return;
    const capacity = Math.min(
      Math.max(needed, buffer.length * 2, FIRST_CAPACITY),
      Math.max(needed, maxBytes),
    );
    const larger = new Uint8Array(capacity);
    larger.set(buffer.subarray(0, length));
    buffer = larger;
  };

  return {
    get length() {
      return length;
    },
    append(bytes) {
      reserve(length + bytes.length);
      buffer.set(bytes, length);
      length += bytes.length;
    },
    take() {
      const taken = buffer.subarray(0, length);
      length = 0;
      if (buffer.length > FIRST_CAPACITY) buffer = new Uint8Array(0);
      return taken;
    },
  };
}
