import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bodySource } from './body-source.ts';
import type { StreamSource } from './stream-to-file.ts';

/** Reads all of it as a file is written: one chunk ahead, each given back when it is used up. */
async function readAhead({ read, usedUp }: StreamSource): Promise<Buffer> {
  const taken: Buffer[] = [];
  for (let next = read(); ; ) {
    const chunk = await next;
    if (chunk === undefined) return Buffer.concat(taken);
    next = read();
    await Promise.resolve();
    taken.push(Buffer.from(chunk));
    usedUp?.(chunk);
  }
}

/** A stream of bytes that comes in pieces of these sizes, written into the reader's own memory or not. */
function byteStream(bytes: Uint8Array, sizes: readonly number[], fills: boolean): ReadableStream<Uint8Array> {
  let at = 0;
  let count = 0;
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const request: unknown = controller.byobRequest;
      if (!(request instanceof ReadableStreamBYOBRequest) || request.view === null)
        throw new Error('not asked');
      const { view } = request;
      const size = Math.min(sizes[count++ % sizes.length] ?? 1, view.byteLength, bytes.byteLength - at);
      const piece = bytes.slice(at, at + size);
      at += size;
      if (size === 0) controller.close();
      if (size > 0 && !fills) return controller.enqueue(piece);
      new Uint8Array(view.buffer, view.byteOffset, size).set(piece);
      request.respond(size);
    },
  });
}

describe('the source of a file that is written', () => {
  it('gives every byte as it was, though memory is used again', async () => {
    const content = fc.uint8Array({ maxLength: 2_000 });
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(content, sizes, fc.boolean(), async (bytes, pieces, fills) => {
        const all = await readAhead(bodySource(byteStream(bytes, pieces, fills)));
        expect(all.equals(bytes)).toBe(true);
      }),
    );
  });

  it('reads into two pieces of memory, however much there is', async () => {
    let fresh = 0;
    let chunks = 0;
    const body: ReadableStream<Uint8Array> = new ReadableStream({
      type: 'bytes',
      pull(controller) {
        const request: unknown = controller.byobRequest;
        if (!(request instanceof ReadableStreamBYOBRequest) || request.view === null) return;
        const { buffer, byteOffset, byteLength } = request.view;
        const memory = new Uint8Array(buffer, byteOffset, byteLength);
        if (memory[0] === 0) fresh += 1;
        chunks += 1;
        if (chunks > 20) controller.close();
        request.respond(chunks > 20 ? 0 : memory.fill(1).byteLength);
      },
    });
    const all = await readAhead(bodySource(body));
    expect([all.byteLength, fresh]).toEqual([20 * 256 * 1024, 2]);
  });

  it.each([
    ['a blob', (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream()],
    ['a response', (bytes: Uint8Array<ArrayBuffer>) => new Response(bytes).body],
    ['chunks', (bytes: Uint8Array<ArrayBuffer>) => ReadableStream.from([bytes])],
  ])('takes the stream of %s', async (_, stream) => {
    const bytes = new Uint8Array(randomBytes(700_000));
    const body = stream(bytes);
    expect(body === null ? undefined : (await readAhead(bodySource(body))).equals(bytes)).toBe(true);
  });

  it('refuses a stream that somebody else reads', () => {
    const body = byteStream(randomBytes(1), [1], true);
    body.getReader();
    expect(() => bodySource(body)).toThrow(TypeError);
  });
});
