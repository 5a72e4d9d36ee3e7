/** A piece of text that grows an item. */
export interface ReadDelta {
  readonly turnId: string;
  readonly itemId: string;
  readonly text: string;
}

/**
 * Reads the parameters of a notification that brings a piece of text; undefined when they do not look as they should.
 * By hand, because there is one for every word of the model: a schema takes three times as long, and copies what is thrown away at once.
 */
export function readDelta(params: unknown): ReadDelta | undefined {
  if (typeof params !== 'object' || params === null) return undefined;
  if (!('threadId' in params && 'turnId' in params && 'itemId' in params && 'delta' in params))
    return undefined;
  const { threadId, turnId, itemId, delta: text } = params;
  if (typeof threadId !== 'string' || typeof turnId !== 'string') return undefined;
  if (typeof itemId !== 'string' || typeof text !== 'string') return undefined;
  return { turnId, itemId, text };
}
