import { BlobStoreError } from './blob-store-error.ts';
import type { SealedFrames } from './keyring.ts';
import { FRAME_BYTES, HEADER_BYTES, SEALED_FRAME_BYTES } from './sealed-format.ts';
import { createWaitingBytes } from './waiting-bytes.ts';

export interface FramePosition {
  readonly index: number;
  readonly isLast: boolean;
}

/** Cuts what comes into frames. One is sealed when more has come than it holds: only then is it known not to be the last. */
export function sealingStream(
  header: Uint8Array,
  seal: (plain: Uint8Array, position: FramePosition) => readonly Uint8Array[],
): TransformStream<Uint8Array, Uint8Array> {
  const waiting = createWaitingBytes();
  let index = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    start(controller) {
      controller.enqueue(header);
    },
    transform(chunk, controller) {
      waiting.add(chunk);
      while (waiting.size() > FRAME_BYTES) {
        for (const part of seal(waiting.take(FRAME_BYTES), { index, isLast: false }))
          controller.enqueue(part);
        index += 1;
      }
    },
    flush(controller) {
      const last = seal(waiting.take(FRAME_BYTES), { index, isLast: true });
      for (const part of last) if (part.byteLength > 0) controller.enqueue(part);
    },
  });
}

export function openingStream(
  framesOf: (header: Uint8Array) => SealedFrames,
): TransformStream<Uint8Array, Uint8Array> {
  const waiting = createWaitingBytes();
  let frames: SealedFrames | undefined;
  let index = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      waiting.add(chunk);
      if (frames === undefined && waiting.size() >= HEADER_BYTES)
        frames = framesOf(waiting.take(HEADER_BYTES));
      while (frames !== undefined && waiting.size() > SEALED_FRAME_BYTES) {
        controller.enqueue(frames.open(waiting.take(SEALED_FRAME_BYTES), { index, isLast: false }));
        index += 1;
      }
    },
    flush(controller) {
      // Without a whole header this says what is wrong with it.
      frames ??= framesOf(waiting.take(HEADER_BYTES));
      const plain = frames.open(waiting.take(SEALED_FRAME_BYTES), { index, isLast: true });
      if (plain.byteLength > 0) controller.enqueue(plain);
      else if (index > 0) throw emptyLastFrame();
    },
  });
}

/** Nothing that this package sealed ends so: the size of what is sealed says how much is in it. */
export function emptyLastFrame(): BlobStoreError {
  return new BlobStoreError('unsealing-failed', 'Sealed bytes end in an empty frame, which is not theirs.');
}
