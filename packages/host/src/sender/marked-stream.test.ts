import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMarkedStream } from './marked-stream.ts';

const TOKEN = 'aab';

/** Pieces of what a token is made of, without a whole one. */
const content = fc
  .array(fc.constantFrom('a', 'aa', 'b', 'x', ''), { maxLength: 12 })
  .map((pieces) => pieces.join('').replaceAll(TOKEN, 'ax'))
  .filter((text) => !text.includes(TOKEN));

it('a stream is cut at its marks, wherever its chunks end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom('f', 'e', 'a'), content), { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 20 }),
      async (parts, sizes) => {
        // What ends like a token that is about to begin would make one with it.
        const kept = parts.filter(([, text]) => !`${text}${TOKEN}`.slice(0, -1).includes(TOKEN));
        const marked = kept.map(([letter, text]) => `${TOKEN}${letter}${text}`).join('');
        const bytes = Buffer.from(`${marked}${TOKEN}e`);
        const stream = createMarkedStream(inPieces(bytes, sizes), TOKEN);
        for (const [letter, text] of kept) {
          expect(await stream.mark()).toBe(letter);
          const found = Buffer.concat(await Array.fromAsync(stream.content())).toString();
          expect(found).toBe(text);
        }
        expect(await stream.mark()).toBe('e');
        expect(await stream.mark()).toBeUndefined();
      },
    ),
  );
});

it('content that nobody takes to its end can be taken up again, and something else is no mark', async () => {
  const stream = createMarkedStream(inPieces(Buffer.from('aabfone twoaabeaax'), [4]), TOKEN);
  expect(await stream.mark()).toBe('f');
  for await (const _ of stream.content()) break;
  for await (const _ of stream.content());
  expect(await stream.mark()).toBe('e');
  expect(await stream.mark()).toBeUndefined();
});

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
