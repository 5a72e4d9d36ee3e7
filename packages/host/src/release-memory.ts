/** Smaller ones are not worth it. */
const LEAST_BYTES = 16 * 1024;
/** As much of a buffer may be around what is used of it: the head and the padding of a packet. */
const AROUND_BYTES = 512;

/**
 * Gives the memory of bytes back at once, rather than when V8 collects it: it counts what lies outside of its own heap late, after some 90 MB.
 * To be called with bytes that nobody uses any more; what shares its buffer with other bytes is left alone.
 */
export function releaseMemory(bytes: Uint8Array): void {
  const { buffer } = bytes;
  if (buffer.byteLength - bytes.byteLength <= AROUND_BYTES) releaseBuffer(buffer);
}

/** The same for a whole buffer, whatever part of it is known. */
export function releaseBuffer(buffer: ArrayBufferLike): void {
  if (buffer.byteLength < LEAST_BYTES || !(buffer instanceof ArrayBuffer) || buffer.detached) return;
  // Node's pool of small buffers.
  if (buffer.byteLength === Buffer.poolSize) return;
  try {
    buffer.transfer(0);
  } catch {
    // It cannot be taken from those who use it: a pool, too.
  }
}
