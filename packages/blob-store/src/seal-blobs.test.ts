import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BlobStore, BlobStoreError, createKeyring, sealBlobs } from './index.ts';
import { FRAME_BYTES, HEADER_BYTES, SEALED_FRAME_BYTES } from './sealed-format.ts';
import { inPieces, listed, patternBytes, readBlob } from './testing/contract/contract-case.ts';
import { createMemoryBlobStore } from './testing/index.ts';

const keys = { k1: randomBytes(32), k2: randomBytes(32) };
const old = createKeyring({ current: 'k1', keys: { k1: keys.k1 } });
const keyring = createKeyring({ current: 'k2', keys });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const failure = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return failure instanceof BlobStoreError ? failure.code : `no BlobStoreError: ${String(failure)}`;
}

describe('a sealed store', () => {
  it('shows nothing of the content to the store below it', async () => {
    const below = createMemoryBlobStore();
    const id = await sealBlobs(below, keyring).put(Buffer.from('the quick brown fox'.repeat(20)));
    expect(Buffer.from(below.bytesOf(id)).toString('latin1')).not.toContain('brown');
  });

  it('lets the source go where the store below fails and leaves it to others', async () => {
    const failure = new BlobStoreError('unavailable', 'the cable was pulled');
    const below: BlobStore = { ...createMemoryBlobStore(), put: () => Promise.reject(failure) };
    const cancelled = Promise.withResolvers<unknown>();
    const body = new ReadableStream<Uint8Array>({ cancel: (reason) => cancelled.resolve(reason) });
    await expect(sealBlobs(below, keyring).put(body)).rejects.toBe(failure);
    expect(await cancelled.promise).toBe(failure);
  });

  it('says the size of the plain bytes, of any of them', async () => {
    const store = sealBlobs(createMemoryBlobStore(), keyring);
    for (const size of [0, 1, FRAME_BYTES, FRAME_BYTES + 1, 2 * FRAME_BYTES, 200_000]) {
      const id = await store.put(patternBytes(size));
      expect((await store.stat(id))?.size).toBe(size);
    }
    expect((await listed(store)).map(({ size }) => size).sort((a, b) => a - b)).toEqual([
      0, 1, 65_536, 65_537, 131_072, 200_000,
    ]);
  });

  it('gives any part of a blob of any size', async () => {
    const store = sealBlobs(createMemoryBlobStore(), keyring);
    const size = fc.constantFrom(
      0,
      1,
      FRAME_BYTES - 1,
      FRAME_BYTES,
      FRAME_BYTES + 1,
      3 * FRAME_BYTES,
      150_000,
    );
    const place = fc.oneof(
      fc.nat(4 * FRAME_BYTES),
      fc.constantFrom(0, 1, 65_535, 65_536, 65_537, 131_072, 196_608),
    );
    await fc.assert(
      fc.asyncProperty(size, place, fc.option(place, { nil: undefined }), async (bytes, offset, length) => {
        const plain = patternBytes(bytes);
        const id = await store.put(inPieces(plain, 50_000));
        const part = await readBlob(store, id, { offset, ...(length !== undefined && { length }) });
        const end = length === undefined ? undefined : offset + length;
        expect(part.equals(plain.subarray(offset, end))).toBe(true);
      }),
    );
  });

  it('reads no more of a large blob than the frames in which a part lies', async () => {
    const below = createMemoryBlobStore();
    const asked: object[] = [];
    const spying: BlobStore = {
      ...below,
      open(id, options = {}) {
        asked.push({ offset: options.offset ?? 0, length: options.length });
        return below.open(id, options);
      },
    };
    const store = sealBlobs(spying, keyring);
    const id = await store.put(patternBytes(50 * FRAME_BYTES));
    expect(await readBlob(store, id, { offset: 20 * FRAME_BYTES + 5, length: FRAME_BYTES })).toHaveLength(
      FRAME_BYTES,
    );
    expect(asked).toEqual([
      { offset: HEADER_BYTES + 20 * SEALED_FRAME_BYTES, length: 2 * SEALED_FRAME_BYTES + 1 },
      { offset: 0, length: HEADER_BYTES },
    ]);
  });

  it('refuses the bytes of another blob, of another key, and such as are not sealed', async () => {
    const below = createMemoryBlobStore();
    const store = sealBlobs(below, keyring);
    const [a, b] = [await store.put(patternBytes(100)), await store.put(patternBytes(100))];
    below.replaceBytes(a, below.bytesOf(b));
    expect(await codeOf(readBlob(store, a))).toBe('unsealing-failed');
    expect(await readBlob(store, b)).toHaveLength(100);
    expect(await codeOf(readBlob(sealBlobs(below, old), b))).toBe('unknown-key');
    const impostor = createKeyring({ current: 'k2', keys: { k2: randomBytes(32) } });
    expect(await codeOf(readBlob(sealBlobs(below, impostor), b))).toBe('unsealing-failed');
    for (const plain of [patternBytes(0), patternBytes(10), patternBytes(200_000)]) {
      const id = await below.put(plain);
      expect(await codeOf(readBlob(store, id))).toBe('not-sealed');
      expect(await codeOf(readBlob(store, id, { offset: 150_000, length: 5 }))).toBe('not-sealed');
      expect(await listed(store)).toContainEqual(expect.objectContaining({ id }));
    }
  });

  it('never takes a blob that was cut short, at whatever place, for one that ends there', async () => {
    const below = createMemoryBlobStore();
    const store = sealBlobs(below, keyring);
    const id = await store.put(patternBytes(4 * FRAME_BYTES));
    const whole = below.bytesOf(id);
    const cuts = fc.oneof(
      fc.nat(whole.byteLength - 1),
      fc.integer({ min: 0, max: 3 }).map((frames) => HEADER_BYTES + frames * SEALED_FRAME_BYTES),
    );
    await fc.assert(
      fc.asyncProperty(cuts, fc.nat(5 * FRAME_BYTES), async (cut, offset) => {
        below.replaceBytes(id, whole.subarray(0, cut));
        expect(await codeOf(readBlob(store, id, { offset }))).toMatch(
          /^(damaged|not-sealed|unsealing-failed)$/,
        );
        const isInFront = HEADER_BYTES + Math.ceil((offset + 1) / FRAME_BYTES) * SEALED_FRAME_BYTES < cut;
        const part = await codeOf(readBlob(store, id, { offset, length: 1 }));
        if (!isInFront) expect(part).toMatch(/^(damaged|not-sealed|unsealing-failed)$/);
      }),
    );
  });

  it('gives no byte that was not checked', async () => {
    const below = createMemoryBlobStore();
    const store = sealBlobs(below, keyring);
    const plain = patternBytes(3 * FRAME_BYTES);
    const id = await store.put(plain);
    const whole = below.bytesOf(id);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.byteLength - 1), fc.nat(7), async (at, bit) => {
        const flipped = whole.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        below.replaceBytes(id, flipped);
        const given: Uint8Array[] = [];
        const reading = async (): Promise<void> => {
          for await (const piece of await store.open(id)) given.push(piece);
        };
        expect(await codeOf(reading())).not.toMatch(/^no B/);
        const bytes = Buffer.concat(given);
        expect(bytes.equals(plain.subarray(0, bytes.byteLength))).toBe(true);
      }),
    );
  });

  it('tells with which key a blob is sealed, so that it can be sealed anew', async () => {
    const below = createMemoryBlobStore();
    const before = await sealBlobs(below, old).put(patternBytes(100_000), { labels: { task: 't' } });
    const store = sealBlobs(below, keyring);
    expect(await store.keyIdOf(before)).toBe('k1');
    const info = await store.stat(before);
    const after = await store.put(await store.open(before), { labels: info?.labels ?? {} });
    await store.delete(before);
    expect(await store.keyIdOf(after)).toBe('k2');
    expect(await readBlob(store, after)).toEqual(patternBytes(100_000));
    expect(await sealBlobs(below, 'plaintext').keyIdOf(await below.put(patternBytes(9)))).toBeUndefined();
    expect(await codeOf(store.keyIdOf(before))).toBe('not-found');
  });

  it('lets everything below it go when its header is wrong or its reader has had enough', async () => {
    const below = createMemoryBlobStore();
    const held = new Set<object>();
    const counting: BlobStore = {
      ...below,
      async open(id, options) {
        const stream = await below.open(id, options);
        const reader = stream.getReader();
        held.add(reader);
        return new ReadableStream<Uint8Array>({
          async pull(controller) {
            const { done, value } = await reader.read();
            if (!done) return controller.enqueue(value);
            held.delete(reader);
            controller.close();
          },
          async cancel() {
            held.delete(reader);
            await reader.cancel();
          },
        });
      },
    };
    const store = sealBlobs(counting, keyring);
    const unsealed = await below.put(patternBytes(500_000));
    await codeOf(readBlob(store, unsealed));
    await codeOf(readBlob(store, unsealed, { offset: 100_000 }));
    const id = await store.put(patternBytes(500_000));
    for (const offset of [0, 100_000]) {
      const reader = (await store.open(id, { offset })).getReader();
      await reader.read();
      await reader.cancel();
      await readBlob(store, id, { offset, length: 10 });
      await codeOf(readBlob(store, id, { offset: 900_000 }));
    }
    await codeOf(store.open(below.createId(), { offset: 100_000 }));
    expect(held.size).toBe(0);
  });
});

describe('what seals blobs', () => {
  it.each([
    ['undefined', undefined],
    ['a text', 'plain'],
    ['an empty text', ''],
    ['bytes', keys.k1],
    ['an object', { current: 'k1', keys }],
  ])('is a keyring or the word for none, and not %s', (kind, given) => {
    let failure: unknown;
    try {
      // A program may be without types.
      sealBlobs(createMemoryBlobStore(), given as 'plaintext');
    } catch (error) {
      failure = error;
    }
    const message = `What seals blobs has to be a keyring (createKeyring), or 'plaintext' where nothing is to; it is ${kind}.`;
    expect(failure).toMatchObject({ name: 'BlobStoreError', code: 'invalid-config', message });
  });
});

describe('a store that was said to be plain', () => {
  it('keeps the bytes as they are', async () => {
    const below = createMemoryBlobStore();
    const store = sealBlobs(below, 'plaintext');
    const id = await store.put(patternBytes(10));
    expect(Buffer.from(below.bytesOf(id))).toEqual(patternBytes(10));
    expect(await readBlob(store, id)).toEqual(patternBytes(10));
  });
});
