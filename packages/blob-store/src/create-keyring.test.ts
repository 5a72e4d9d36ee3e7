import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlobStoreError, createKeyring, type Keyring, type KeyringOptions, sealedKeyId } from './index.ts';
import { FRAME_BYTES, HEADER_BYTES, plainSize, SEALED_FRAME_BYTES } from './sealed-format.ts';

const keys = { k1: randomBytes(32), k2: randomBytes(32) };
const keyring = createKeyring({ current: 'k2', keys });

function failureOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof BlobStoreError) return error.code;
    throw error;
  }
  return 'nothing';
}

function streamOf(bytes: Uint8Array, pieceBytes: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.subarray(at, at + pieceBytes));
      at += pieceBytes;
    },
  });
}

async function through(
  bytes: Uint8Array,
  transform: TransformStream<Uint8Array, Uint8Array>,
  pieceBytes = 10_000,
): Promise<Buffer> {
  return Buffer.from(await new Response(streamOf(bytes, pieceBytes).pipeThrough(transform)).arrayBuffer());
}

async function sealStream(plain: Uint8Array, context = 'here'): Promise<Buffer> {
  return await through(plain, keyring.sealing(context));
}

async function openFailure(sealed: Uint8Array, ring: Keyring = keyring, context = 'here'): Promise<string> {
  const failure = await through(sealed, ring.opening(context)).then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure instanceof BlobStoreError ? failure.code : `no BlobStoreError: ${String(failure)}`;
}

describe('a keyring', () => {
  it('is refused where a key is not 32 bytes, the current one is missing, or a name does not fit', () => {
    const cases: Readonly<Record<string, Uint8Array | string>>[] = [
      { k: randomBytes(31) },
      { k: 'password' },
      { k: `${randomBytes(32).toString('base64').slice(0, 30)}*${randomBytes(9).toString('base64')}` },
      { k: randomBytes(32), 'a name': randomBytes(32) },
      { other: randomBytes(32) },
      {},
    ];
    for (const some of cases) {
      expect(failureOf(() => createKeyring({ current: 'k', keys: some }))).toBe('invalid-keyring');
    }
  });

  it('is refused where there are no keys at all', () => {
    // A program may be without types.
    const create: (options?: object) => unknown = (options) => createKeyring(options as KeyringOptions);
    for (const options of [undefined, {}, { current: 'k1', keys: null }]) {
      expect(() => create(options)).toThrow(expect.objectContaining({ code: 'invalid-keyring' }));
    }
  });

  it('takes keys as base64, and opens with them what the bytes sealed', () => {
    const bytes = keys.k2;
    for (const text of [
      bytes.toString('base64'),
      `${bytes.toString('base64')}\n`,
      bytes.toString('base64url'),
    ]) {
      const other = createKeyring({ current: 'k2', keys: { k2: text } });
      expect(Buffer.from(other.open(keyring.seal(Buffer.from('hello'), 'x'), 'x')).toString()).toBe('hello');
    }
  });

  it('shows its keys to nobody, and keeps them when the caller’s bytes are overwritten', () => {
    const mine = randomBytes(32);
    const ring = createKeyring({ current: 'k', keys: { k: mine } });
    const [hex, text] = [mine.toString('hex'), mine.toString('base64')];
    const sealed = ring.seal(Buffer.from('hello'), 'x');
    mine.fill(0);
    expect(Buffer.from(ring.open(sealed, 'x')).toString()).toBe('hello');
    const shown = `${inspect(ring, { depth: 9, showHidden: true })}${JSON.stringify(ring)}`;
    expect(shown).not.toContain(hex.slice(0, 8));
    expect(shown).not.toContain(text.slice(0, 8));
    const refused = (): unknown => createKeyring({ current: 'k', keys: { k: `${text}x` } });
    expect(refused).toThrow(/is not 32 bytes/);
    expect(refused).not.toThrow(text.slice(0, 8));
  });

  it('goes on opening what an older key sealed, and seals with the current one', () => {
    const before = createKeyring({ current: 'k1', keys: { k1: keys.k1 } });
    const sealed = before.seal(Buffer.from('old'), 'x');
    expect(keyring.keyIdOf(sealed)).toBe('k1');
    expect(Buffer.from(keyring.open(sealed, 'x')).toString()).toBe('old');
    const sealedAnew = keyring.seal(keyring.open(sealed, 'x'), 'x');
    expect(sealedKeyId(sealedAnew.subarray(0, 64))).toBe('k2');
    expect(() => before.open(sealedAnew, 'x')).toThrow(
      expect.objectContaining({ code: 'unknown-key', message: expect.stringContaining('"k2"') }),
    );
  });
});

describe('a sealed piece', () => {
  it('opens to what was sealed, under its own context only', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 500 }),
        fc.string({ unit: 'binary' }),
        fc.string(),
        (plain, context, other) => {
          fc.pre(context !== other);
          const sealed = keyring.seal(plain, context);
          expect(Buffer.from(keyring.open(sealed, context))).toEqual(Buffer.from(plain));
          expect(failureOf(() => keyring.open(sealed, other))).toBe('unsealing-failed');
        },
      ),
    );
  });

  it('never looks the same twice', () => {
    const sealed = Array.from({ length: 100 }, () => keyring.seal(Buffer.from('same'), 'x').toString());
    expect(new Set(sealed).size).toBe(100);
  });

  it('does not open when any single bit of it is flipped, nor cut at any place, nor with something behind it', () => {
    const sealed = keyring.seal(Buffer.from('forty-two bytes of text that nobody changes'), 'x');
    const codes = new Set<string>();
    for (let bit = 0; bit < sealed.byteLength * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      codes.add(failureOf(() => keyring.open(flipped, 'x')));
    }
    for (let end = 0; end < sealed.byteLength; end += 1) {
      codes.add(failureOf(() => keyring.open(sealed.subarray(0, end), 'x')));
    }
    codes.add(failureOf(() => keyring.open(Buffer.concat([sealed, Buffer.of(0)]), 'x')));
    expect([...codes].sort()).toEqual(['damaged', 'not-sealed', 'unknown-key', 'unsealing-failed']);
  });

  it('is not opened with another key of the same name', () => {
    const sealed = createKeyring({ current: 'k2', keys: { k2: randomBytes(32) } }).seal(
      Buffer.from('a'),
      'x',
    );
    expect(failureOf(() => keyring.open(sealed, 'x'))).toBe('unsealing-failed');
  });
});

describe('a sealed stream', () => {
  const sizes = [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES, 200_000];

  it.each(sizes)(
    'of %i bytes opens to what was sealed, whatever the pieces in which it comes',
    async (size) => {
      const plain = randomBytes(size);
      const sealed = await sealStream(plain);
      expect(plainSize(sealed.byteLength)).toBe(size);
      for (const pieceBytes of [1_000, 65_552, 1_000_000]) {
        expect(await through(sealed, keyring.opening('here'), pieceBytes)).toEqual(plain);
      }
      expect(await openFailure(sealed, keyring, 'there')).toBe('unsealing-failed');
    },
  );

  it('does not open when frames are left out, exchanged, repeated, taken from elsewhere, or the end is cut off', async () => {
    const sealed = await sealStream(randomBytes(4 * FRAME_BYTES));
    const other = await sealStream(randomBytes(4 * FRAME_BYTES));
    const frame = (index: number, from = sealed): Buffer =>
      from.subarray(
        HEADER_BYTES + index * SEALED_FRAME_BYTES,
        HEADER_BYTES + (index + 1) * SEALED_FRAME_BYTES,
      );
    const header = sealed.subarray(0, HEADER_BYTES);
    const wrong = [
      [frame(0), frame(1), frame(2)],
      [frame(0), frame(1), frame(2), frame(3), frame(3)],
      [frame(1), frame(0), frame(2), frame(3)],
      [frame(0), frame(0), frame(1), frame(2), frame(3)],
      [frame(0), frame(2), frame(3)],
      [frame(0), frame(1), frame(2, other), frame(3)],
      [frame(0), frame(1), frame(2), frame(3, other)],
      [frame(3)],
      [],
    ];
    for (const frames of wrong) {
      expect(await openFailure(Buffer.concat([header, ...frames]))).toBe('unsealing-failed');
    }
    const parts = [header, frame(0), frame(1), frame(2), frame(3)];
    expect(await through(Buffer.concat(parts), keyring.opening('here'))).toHaveLength(4 * FRAME_BYTES);
  });

  it('does not open when it is cut or changed anywhere', async () => {
    const sealed = await sealStream(randomBytes(FRAME_BYTES + 100));
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.byteLength - 1), fc.nat(7), async (at, bit) => {
        expect(await openFailure(sealed.subarray(0, at))).toMatch(/^(damaged|not-sealed|unsealing-failed)$/);
        const flipped = Buffer.from(sealed);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        expect(await openFailure(flipped)).toMatch(/^(damaged|not-sealed|unknown-key|unsealing-failed)$/);
      }),
    );
  });

  it('gives its first bytes before the last have come', async () => {
    const { readable, writable } = keyring.opening('here');
    const writer = writable.getWriter();
    const sealed = await sealStream(randomBytes(3 * FRAME_BYTES));
    void writer.write(sealed.subarray(0, 150_000));
    const { value } = await readable.getReader().read();
    expect(value).toHaveLength(FRAME_BYTES);
    await writer.abort();
  });

  it('is not opened as a piece, nor a piece as a stream', async () => {
    const plain = Buffer.from('short');
    expect(failureOf(() => keyring.open(sealedStream, 'here'))).toBe('unsealing-failed');
    expect(await openFailure(Buffer.from(keyring.seal(plain, 'here')))).toBe('unsealing-failed');
  });
});

const sealedStream = await sealStream(Buffer.from('short'));
