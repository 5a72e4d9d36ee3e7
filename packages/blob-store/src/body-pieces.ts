import { throwIfAborted, unlessAborted } from './abort.ts';
import type { BlobStore } from './blob-store.ts';
import { BlobStoreError } from './blob-store-error.ts';

/**
 * The bytes that are put, as they come. A body that is not read to its end is cancelled; nobody waits for that.
 *
 * @throws {BlobStoreError} `source-failed` with the body's own error as its cause; `aborted`, also while the body is silent.
 */
export async function* bodyPieces(
  body: ReadableStream<Uint8Array> | Uint8Array,
  { signal, attempt }: { readonly signal: AbortSignal | undefined; readonly attempt: string },
): AsyncGenerator<Uint8Array, void, undefined> {
  throwIfAborted(signal, attempt);
  if (body instanceof Uint8Array) {
    if (body.byteLength > 0) yield body;
    return;
  }
  const reader = readerOf(body, attempt);
  const next = async () => {
    try {
      return await reader.read();
    } catch (cause) {
      throw sourceFailed(attempt, cause);
    }
  };
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await unlessAborted(next(), signal, attempt);
      if (done) {
        isOver = true;
        return;
      }
      if (!(value instanceof Uint8Array)) throw sourceFailed(attempt, new TypeError('it gave no Uint8Array'));
      if (value.byteLength > 0) yield value;
    }
  } finally {
    // What the source makes of it is its own affair; one that failed rejects with its failure again.
    if (!isOver) reader.cancel(signal?.reason).catch(() => undefined);
  }
}

/** A `put` that cancels its body also when it fails before it reads: nobody else would. One that somebody else reads is left to them. */
export function cancelsUnread(put: BlobStore['put']): BlobStore['put'] {
  return async (body, options) => {
    try {
      return await put(body, options);
    } catch (error) {
      cancelUnlocked(body, error).catch(() => undefined);
      throw error;
    }
  };
}

async function cancelUnlocked(body: ReadableStream<Uint8Array> | Uint8Array, reason: unknown): Promise<void> {
  if (!(body instanceof Uint8Array) && !body.locked) await body.cancel(reason);
}

function readerOf(
  body: ReadableStream<Uint8Array>,
  attempt: string,
): ReadableStreamDefaultReader<Uint8Array> {
  try {
    return body.getReader();
  } catch (cause) {
    throw sourceFailed(attempt, cause);
  }
}

function sourceFailed(attempt: string, cause: unknown): BlobStoreError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BlobStoreError('source-failed', `Could not ${attempt}: what was put failed (${reason}).`, {
    cause,
  });
}
