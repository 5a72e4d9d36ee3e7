import type { StreamSource } from './stream-to-file.ts';

/** As much is read at once where the stream lets itself be given memory. */
const CHUNK_BYTES = 256 * 1024;

/**
 * A stream as what a file is written from. One of bytes (`type: 'bytes'`) is read into the same pieces of memory again and again: new memory for each chunk costs as
 * much time as encrypting it does.
 */
export function bodySource(body: ReadableStream<Uint8Array>): StreamSource {
  const reader = byteReader(body);
  if (reader === undefined) return chunkSource(body.getReader());
  const spare: ArrayBuffer[] = [];
  return {
    async read() {
      const { value } = await reader.read(new Uint8Array(spare.pop() ?? new ArrayBuffer(CHUNK_BYTES)));
      return value === undefined || value.byteLength === 0 ? undefined : value;
    },
    usedUp({ buffer }) {
      if (buffer instanceof ArrayBuffer) spare.push(buffer);
    },
    cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
  };
}

function chunkSource(reader: ReadableStreamDefaultReader<Uint8Array>): StreamSource {
  return {
    read: async () => (await reader.read()).value,
    cancel: (reason) => void reader.cancel(reason).catch(() => undefined),
  };
}

function byteReader(body: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  // One that is locked is refused by the other way to get a reader.
  if (body.locked) return undefined;
  try {
    return body.getReader({ mode: 'byob' });
  } catch {
    return undefined;
  }
}
