/**
 * Gives the memory of bytes back at once: what lies outside of V8's heap hardly makes it collect, so that a save would gather some hundred MB of what it has done with.
 * Only for bytes of one's own, whose buffer nobody else has a part of.
 */
export function releaseBytes(bytes: Uint8Array): void {
  const { buffer, byteLength } = bytes;
  if (!(buffer instanceof ArrayBuffer) || buffer.detached || buffer.byteLength !== byteLength) return;
  try {
    buffer.transfer(0);
  } catch {
    // It is one that cannot be taken away; it goes when it is collected.
  }
}
