const WANTED_BYTES = 64 * 1024;

/** Gathers small chunks for a larger one: a chunk costs its consumer the same, however small it is. */
export interface ChunkJoiner {
  add(chunk: Uint8Array): void;
  /** What was gathered, as one, when it is enough to be handed on; with `all`, when it is anything. */
  take(options?: { readonly all?: boolean }): Uint8Array | undefined;
}

export function createChunkJoiner(): ChunkJoiner {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  return {
    add(chunk) {
      waiting.push(chunk);
      bytes += chunk.length;
    },
    take({ all = false } = {}) {
      if (bytes === 0 || (bytes < WANTED_BYTES && !all)) return undefined;
      const joined = Buffer.concat(waiting, bytes);
      waiting = [];
      bytes = 0;
      return joined;
    },
  };
}

/** Joins small chunks into larger ones. */
export async function* joinChunks(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const joiner = createChunkJoiner();
  for await (const chunk of chunks) {
    joiner.add(chunk);
    const joined = joiner.take();
    if (joined !== undefined) yield joined;
  }
  const rest = joiner.take({ all: true });
  if (rest !== undefined) yield rest;
}
