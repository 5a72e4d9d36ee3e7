import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHostPathBytes } from './host-path-bytes.ts';
import { shellWord } from './shell-quoting.ts';

const word = fc
  .oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    fc.constantFrom('\n\n', "'", '\\', '%s', '$(x)', '-e', '').map((text) => Buffer.from(text)),
  )
  .map((bytes) => bytes.filter((byte) => byte !== 0));

describe('a word for a shell', () => {
  it('arrives as the bytes that it was, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
        const texts = words.map((bytes) => shellWord(decodeHostPathBytes(bytes)));
        const script = `for word in ${texts.join(' ')}; do printf '%s\\0' "$word"; done`;
        const { stdout } = spawnSync('/bin/sh', ['-c', script]);
        expect(stdout.equals(Buffer.concat(words.flatMap((bytes) => [bytes, Buffer.of(0)])))).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
