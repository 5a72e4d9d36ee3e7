import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JsonLine } from './json-line.ts';
import { type ReadJsonLinesOptions, readJsonLines } from './json-lines.ts';

const encoder = new TextEncoder();

function streamOf(...chunks: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(
    chunks.map((chunk) => (typeof chunk === 'string' ? encoder.encode(chunk) : chunk)),
  );
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const edges = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  return edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
}

async function linesOf(
  readable: ReadableStream<Uint8Array>,
  options?: ReadJsonLinesOptions,
): Promise<JsonLine[]> {
  return await Array.fromAsync(readJsonLines(readable, options));
}

const value = (of: unknown): JsonLine => ({ kind: 'value', value: of });
const json = fc.json({ stringUnit: 'binary' });

describe('lines of JSON', () => {
  it('are the same however the bytes were cut and the lines were ended', async () => {
    const line = fc.record({ text: json, end: fc.constantFrom('\n', '\r\n', '\n\n', '\n \r\n') });
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (lines, places) => {
        const bytes = encoder.encode(lines.map(({ text, end }) => text + end).join(''));
        expect(await linesOf(streamOf(...cut(bytes, places)))).toEqual(
          lines.map(({ text }) => value(JSON.parse(text))),
        );
      }),
    );
  });

  it('are the same with every single byte in a chunk of its own', async () => {
    const text = '{"a":"grüße 日本 🦀"}\n"\\u0000"\n[1]\n';
    const chunks = Array.from(encoder.encode(text), (byte) => Uint8Array.of(byte));
    expect(await linesOf(streamOf(...chunks))).toEqual([
      value({ a: 'grüße 日本 🦀' }),
      value('\u0000'),
      value([1]),
    ]);
  });

  it('need no end at the last of them', async () => {
    expect(await linesOf(streamOf('1\n{"a"', ':2}'))).toEqual([value(1), value({ a: 2 })]);
  });

  it('say when the last of them is half', async () => {
    expect(await linesOf(streamOf('1\n{"a":'))).toEqual([
      value(1),
      { kind: 'truncated', text: '{"a":', bytes: 5 },
    ]);
  });

  it('go on after one that is not JSON', async () => {
    expect(await linesOf(streamOf('1\nwarning: grün\r\n2\n'))).toEqual([
      value(1),
      { kind: 'garbage', text: 'warning: grün', bytes: 14 },
      value(2),
    ]);
  });

  it('quote only the beginning of a long one that is not JSON', async () => {
    const [line] = await linesOf(streamOf(`${'x'.repeat(100_000)}\n`));
    expect(line).toEqual({ kind: 'garbage', text: 'x'.repeat(200), bytes: 100_000 });
  });

  it('hold a replacement character for each byte that is not UTF-8, wherever it is cut', async () => {
    const bytes = Uint8Array.of(0x22, 0xff, 0xc3, 0x22, 0x0a, 0x22, 0xe2, 0x82, 0x0a);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat()), async (places) => {
        expect(await linesOf(streamOf(...cut(bytes, places)))).toEqual([
          value('\ufffd\ufffd'),
          { kind: 'garbage', text: '"\ufffd', bytes: 4 },
        ]);
      }),
    );
  });

  it('never throw anything but a typed error, whatever the bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array()),
        fc.integer({ min: 1, max: 40 }),
        async (chunks, maxLineBytes) => {
          const longest = new TextDecoder('latin1')
            .decode(Buffer.concat(chunks))
            .split('\n')
            .reduce((length, line) => Math.max(length, line.length), 0);
          const reading = linesOf(streamOf(...chunks), { maxLineBytes });
          if (longest > maxLineBytes) await expect(reading).rejects.toMatchObject({ code: 'line-too-long' });
          else await expect(reading).resolves.toBeInstanceOf(Array);
        },
      ),
    );
  });

  it('are given up to the one that is too long', async () => {
    const seen: JsonLine[] = [];
    const reading = (async () => {
      for await (const line of readJsonLines(streamOf('1\n"12"\n"123"\n4\n'), { maxLineBytes: 4 }))
        seen.push(line);
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'line-too-long',
      message: expect.stringContaining('4 bytes'),
    });
    expect(seen).toEqual([value(1), value('12')]);
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 29])('refuse %d as the ceiling', async (maxLineBytes) => {
    await expect(linesOf(streamOf(), { maxLineBytes })).rejects.toMatchObject({ code: 'invalid-option' });
  });

  it('tell a stream that failed from one that ended', async () => {
    const cause = new Error('cable cut');
    const failing = new ReadableStream<Uint8Array>({ pull: () => Promise.reject(cause) });
    await expect(linesOf(failing)).rejects.toMatchObject({ code: 'read-failed', cause });
  });

  it('let go of the stream when their reader stops', async () => {
    const cancel = vi.fn();
    const readable = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(encoder.encode('1\n2\n')),
      cancel,
    });
    for await (const line of readJsonLines(readable)) {
      expect(line).toEqual(value(1));
      break;
    }
    expect(cancel).toHaveBeenCalledOnce();
    expect(readable.locked).toBe(false);
  });

  it('stop at the signal, also within a wait', async () => {
    const controller = new AbortController();
    const reading = linesOf(new ReadableStream<Uint8Array>(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(reading).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') });
    await expect(linesOf(streamOf('1\n'), { signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});

describe('a long line', () => {
  afterEach(() => void vi.restoreAllMocks());

  /** How many bytes were copied and decoded to read one line of so many bytes in pieces. */
  async function workFor(
    lineBytes: number,
    pieceBytes: number,
  ): Promise<{ copied: number; decoded: number }> {
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    const decode = vi.spyOn(TextDecoder.prototype, 'decode');
    const piece = new Uint8Array(pieceBytes).fill(0x78);
    const lines = await linesOf(
      ReadableStream.from(
        (function* () {
          for (let sent = 0; sent < lineBytes; sent += pieceBytes) yield piece;
          yield Uint8Array.of(0x0a);
        })(),
      ),
    );
    expect(lines).toMatchObject([{ kind: 'garbage', bytes: lineBytes }]);
    const work = {
      copied: set.mock.calls.reduce((sum, [bytes]) => sum + bytes.length, 0),
      decoded: decode.mock.calls.reduce((sum, [bytes]) => sum + (bytes?.byteLength ?? 0), 0),
    };
    vi.restoreAllMocks();
    return work;
  }

  it.each([
    [1 << 20, 1 << 10],
    [1 << 22, 1 << 10],
    [1 << 22, 1 << 16],
    [1 << 16, 1],
  ])(
    'of %d bytes in pieces of %d is copied less than three times and decoded once',
    async (lineBytes, pieceBytes) => {
      const { copied, decoded } = await workFor(lineBytes, pieceBytes);
      expect(copied).toBeGreaterThanOrEqual(lineBytes);
      expect(copied).toBeLessThan(3 * lineBytes);
      expect(decoded).toBe(lineBytes);
    },
  );

  it('of 100 MB is read like any other', async () => {
    const piece = new Uint8Array(65_536).fill(0x61);
    const lines = await linesOf(
      ReadableStream.from(
        (function* () {
          yield encoder.encode('"');
          for (let n = 0; n < 1_526; n += 1) yield piece;
          yield encoder.encode('"\n7\n');
        })(),
      ),
    );
    // Lengths only: a failing comparison would print it all.
    expect(lines.map((line) => line.kind === 'value' && String(line.value).length)).toEqual([
      1_526 * 65_536,
      1,
    ]);
  });
});
