import { unlessAborted } from './abort.ts';
import type { BlobId, BlobStore } from './blob-store.ts';
import { BlobStoreError } from './blob-store-error.ts';
import type { ByteRange } from './byte-range.ts';
import { byteStream } from './byte-source.ts';
import type { SealedFrames } from './keyring.ts';
import { FRAME_BYTES, HEADER_BYTES, SEALED_FRAME_BYTES } from './sealed-format.ts';
import { emptyLastFrame } from './sealed-stream.ts';
import { createWaitingBytes } from './waiting-bytes.ts';

export interface SealedRangeOptions {
  readonly range: ByteRange;
  readonly signal: AbortSignal | undefined;
  readonly framesOf: (header: Uint8Array) => SealedFrames;
}

/**
 * A part of a sealed blob. One byte more is read than the frames that it lies in have: whether it is there tells whether the last of them is the blob's last.
 * So a blob that was cut short is never taken for one that ends.
 */
export async function openSealedRange(
  store: BlobStore,
  id: BlobId,
  { range, signal, framesOf }: SealedRangeOptions,
): Promise<ReadableStream<Uint8Array>> {
  const attempt = `read blob ${id}`;
  const firstIndex = Math.floor(range.offset / FRAME_BYTES);
  const endIndex = Math.max(firstIndex + 1, Math.ceil((range.offset + range.length) / FRAME_BYTES));
  const { header, body } = await openParts(store, id, { firstIndex, endIndex, signal });
  let frames: SealedFrames;
  try {
    frames = framesOf(header);
  } catch (error) {
    await body.cancel();
    throw error;
  }
  let index = firstIndex;
  let skip = range.offset - firstIndex * FRAME_BYTES;
  let left = range.length;
  let isOver = false;
  const next = async (): Promise<Uint8Array | undefined> => {
    while (!isOver && index < endIndex) {
      const sealed = await body.take(SEALED_FRAME_BYTES);
      const isLast = await body.isAtEnd();
      if (sealed.byteLength === 0 && index > 0) {
        // Only where the part begins behind the end: before, a last frame would have been seen.
        await checkEnd(store, id, { frames, signal, behind: index });
        return undefined;
      }
      const plain = frames.open(sealed, { index, isLast });
      if (plain.byteLength === 0 && index > 0) throw emptyLastFrame();
      index += 1;
      isOver = isLast;
      const wanted = plain.subarray(skip, skip + left);
      skip = 0;
      left -= wanted.byteLength;
      if (wanted.byteLength > 0) return wanted;
    }
    return undefined;
  };
  return byteStream({ next, close: () => body.cancel() }, { signal, attempt });
}

interface Parts {
  readonly firstIndex: number;
  /** `Infinity` for all that is left. */
  readonly endIndex: number;
  readonly signal: AbortSignal | undefined;
}

/** The header, and the frames from `firstIndex` with one byte behind them. Both are asked for at once. */
async function openParts(
  store: BlobStore,
  id: BlobId,
  { firstIndex, endIndex, signal }: Parts,
): Promise<{ readonly header: Uint8Array; readonly body: ByteReader }> {
  const withSignal = signal && { signal };
  const length = (endIndex - firstIndex) * SEALED_FRAME_BYTES + 1;
  const offset = firstIndex === 0 ? 0 : HEADER_BYTES + firstIndex * SEALED_FRAME_BYTES;
  const bodyLength = firstIndex === 0 ? HEADER_BYTES + length : length;
  const opened = await Promise.allSettled([
    store.open(id, { offset, ...(bodyLength < Infinity && { length: bodyLength }), ...withSignal }),
    ...(firstIndex === 0 ? [] : [store.open(id, { length: HEADER_BYTES, ...withSignal })]),
  ]);
  const readers = opened.flatMap((each) =>
    each.status === 'fulfilled' ? [createByteReader(each.value)] : [],
  );
  const [body, start = body] = readers;
  try {
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
    if (body === undefined || start === undefined)
      throw new BlobStoreError('io', `Could not read blob ${id}.`);
    const header = await unlessAborted(start.take(HEADER_BYTES), signal, `read blob ${id}`);
    if (start !== body) await start.cancel();
    return { header, body };
  } catch (error) {
    for (const reader of readers) await reader.cancel();
    throw error;
  }
}

/** That a blob really ends before this frame: its last one opens, and says that it is the last. */
async function checkEnd(
  store: BlobStore,
  id: BlobId,
  {
    frames,
    signal,
    behind,
  }: {
    readonly frames: SealedFrames;
    readonly signal: AbortSignal | undefined;
    readonly behind: number;
  },
): Promise<void> {
  const withSignal = signal && { signal };
  const size = (await store.stat(id, withSignal))?.size ?? 0;
  const index = Math.max(0, Math.ceil((size - HEADER_BYTES) / SEALED_FRAME_BYTES) - 1);
  if (index >= behind) throw new BlobStoreError('damaged', `Blob ${id} has lost bytes before its end.`);
  const offset = HEADER_BYTES + index * SEALED_FRAME_BYTES;
  const last = createByteReader(await store.open(id, { offset, ...withSignal }));
  try {
    frames.open(await last.take(SEALED_FRAME_BYTES), { index, isLast: true });
  } finally {
    await last.cancel();
  }
}

/** Takes bytes from a stream in other pieces than it gives them. */
interface ByteReader {
  /** So many bytes; fewer at the end only. */
  take(count: number): Promise<Uint8Array>;
  isAtEnd(): Promise<boolean>;
  cancel(): Promise<void>;
}

function createByteReader(stream: ReadableStream<Uint8Array>): ByteReader {
  const reader = stream.getReader();
  const waiting = createWaitingBytes();
  let isOver = false;
  const fill = async (count: number): Promise<void> => {
    while (!isOver && waiting.size() < count) {
      const { done, value } = await reader.read();
      if (done) isOver = true;
      else waiting.add(value);
    }
  };
  return {
    async take(count) {
      await fill(count);
      return waiting.take(count);
    },
    async isAtEnd() {
      await fill(1);
      return waiting.size() === 0;
    },
    async cancel() {
      await reader.cancel().catch(() => undefined);
    },
  };
}
