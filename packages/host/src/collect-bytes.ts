export interface OutputLimit {
  readonly maxBytes: number;
  readonly keep: 'beginning' | 'end';
}

export interface CollectedBytes {
  readonly bytes: Uint8Array;
  readonly truncated: boolean;
}

/** Reads a stream to its end and keeps one end of it. */
export async function collectBytes(
  stream: ReadableStream<Uint8Array>,
  { maxBytes, keep }: OutputLimit,
): Promise<CollectedBytes> {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let truncated = false;
  for await (const chunk of stream) {
    if (keep === 'beginning') {
      const part = chunk.subarray(0, maxBytes - kept);
      if (part.length < chunk.length) truncated = true;
      if (part.length === 0) continue;
      chunks.push(part);
      kept += part.length;
      continue;
    }
    chunks.push(chunk);
    kept += chunk.length;
    for (let first = chunks[0]; first !== undefined && kept - first.length >= maxBytes; first = chunks[0]) {
      chunks.shift();
      kept -= first.length;
      truncated = true;
    }
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length <= maxBytes) return { bytes, truncated };
  return { bytes: bytes.subarray(bytes.length - maxBytes), truncated: true };
}
