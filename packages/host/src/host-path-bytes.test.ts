import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHostPathBytes, encodeHostPathBytes } from './host-path-bytes.ts';

describe('names as bytes', () => {
  it('gives any bytes again', () => {
    const nearUtf8 = fc
      .array(
        fc.oneof(
          fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
          fc.uint8Array({ maxLength: 4 }),
        ),
      )
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(fc.oneof(nearUtf8, fc.uint8Array()), (bytes) => {
        expect([...encodeHostPathBytes(decodeHostPathBytes(bytes))]).toEqual([...bytes]);
      }),
    );
  });

  it('gives any text of whole characters again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(decodeHostPathBytes(encodeHostPathBytes(text))).toBe(text);
      }),
    );
  });

  it('gives different names different text', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (one, other) => {
        const same = Buffer.from(one).equals(other);
        expect(decodeHostPathBytes(one) === decodeHostPathBytes(other)).toBe(same);
      }),
    );
  });

  it('escapes the byte order mark never, a wrong byte and an encoded surrogate byte by byte', () => {
    expect(decodeHostPathBytes(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe('\ufeffa');
    expect(decodeHostPathBytes(Uint8Array.of(0x61, 0xff))).toBe('a\udcff');
    expect(decodeHostPathBytes(Uint8Array.of(0xed, 0xb2, 0x80))).toBe('\udced\udcb2\udc80');
  });

  it('refuses half a character that stands for no byte', () => {
    expect(() => encodeHostPathBytes('\ud83d')).toThrow(expect.objectContaining({ code: 'invalid-path' }));
    expect(() => encodeHostPathBytes('\udc41')).toThrow(expect.objectContaining({ code: 'invalid-path' }));
  });
});
