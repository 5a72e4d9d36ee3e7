import assert from 'node:assert/strict';
import {
  bytesOf,
  type CaseDefinition,
  inPieces,
  patternBytes,
  readBlob,
  rejectsWith,
} from './contract-case.ts';

/** Bytes in, the same bytes out. */
export const contentCases: readonly CaseDefinition[] = [
  {
    name: 'gives back what was put, of any size and in any pieces',
    async check(store) {
      for (const size of [0, 1, 65_535, 65_536, 65_537, 261_120, 261_121, 700_001]) {
        const bytes = patternBytes(size);
        const whole = await store.put(bytes);
        const pieces = await store.put(inPieces(bytes, 40_000));
        assert.notEqual(whole, pieces);
        assert.deepEqual(await readBlob(store, whole), bytes, `${size} bytes at once`);
        assert.deepEqual(await readBlob(store, pieces), bytes, `${size} bytes in pieces`);
        assert.equal((await store.stat(whole))?.size, size);
      }
      const tiny = await store.put(inPieces(patternBytes(3_000), 1));
      assert.deepEqual(await readBlob(store, tiny), patternBytes(3_000));
    },
  },
  {
    name: 'gives any part of a blob, and nothing behind its end',
    async check(store) {
      const bytes = patternBytes(600_000);
      const id = await store.put(bytes);
      const starts = [0, 1, 65_536, 131_071, 261_120, 300_000, 524_288, 599_999];
      for (const offset of starts) {
        for (const length of [0, 1, 65_536, 70_000, 300_000, undefined]) {
          const part = await readBlob(store, id, { offset, ...(length !== undefined && { length }) });
          const end = length === undefined ? undefined : offset + length;
          assert.ok(part.equals(bytes.subarray(offset, end)), `${length ?? 'all'} bytes from ${offset}`);
        }
      }
      for (const offset of [600_000, 600_001, 1_000_000]) {
        assert.equal((await readBlob(store, id, { offset })).byteLength, 0);
        assert.equal((await readBlob(store, id, { offset, length: 5 })).byteLength, 0);
      }
      const even = await store.put(bytes.subarray(0, 131_072));
      assert.equal((await readBlob(store, even, { offset: 131_072 })).byteLength, 0);
      const empty = await store.put(new Uint8Array());
      assert.equal((await readBlob(store, empty, { offset: 0, length: 10 })).byteLength, 0);
      assert.equal((await readBlob(store, empty, { offset: 7 })).byteLength, 0);
    },
  },
  {
    name: 'refuses a part that can be in no blob',
    async check(store) {
      const id = await store.put(patternBytes(10));
      for (const range of [{ offset: -1 }, { length: -1 }, { offset: 0.5 }, { length: Number.NaN }]) {
        await rejectsWith(store.open(id, range), 'invalid-range');
      }
    },
  },
  {
    name: 'gives a blob to many readers at once',
    async check(store) {
      const bytes = patternBytes(300_000);
      const id = await store.put(bytes);
      const copies = await Promise.all(Array.from({ length: 10 }, () => readBlob(store, id)));
      for (const copy of copies) assert.ok(copy.equals(bytes));
    },
  },
  {
    name: 'takes many blobs at once and mixes nothing up',
    async check(store) {
      const contents = Array.from({ length: 20 }, (_, index) => patternBytes(20_000 + index * 977));
      const ids = await Promise.all(contents.map((bytes) => store.put(inPieces(bytes, 9_999))));
      assert.equal(new Set(ids).size, 20);
      for (const [index, id] of ids.entries()) {
        assert.ok((await readBlob(store, id)).equals(contents[index] ?? Buffer.alloc(0)));
      }
    },
  },
  {
    name: 'stops a read when its signal fires',
    async check(store) {
      const id = await store.put(patternBytes(3_000_000));
      const controller = new AbortController();
      const stream = await store.open(id, { signal: controller.signal });
      const reader = stream.getReader();
      await reader.read();
      controller.abort();
      reader.releaseLock();
      await rejectsWith(bytesOf(stream), 'aborted');
      await rejectsWith(store.open(id, { signal: AbortSignal.abort() }), 'aborted');
    },
  },
  {
    name: 'lets a reader go who has had enough',
    async check(store) {
      const id = await store.put(patternBytes(3_000_000));
      const reader = (await store.open(id)).getReader();
      const { value } = await reader.read();
      assert.ok((value?.byteLength ?? 0) > 0);
      await reader.cancel();
      assert.equal((await readBlob(store, id)).byteLength, 3_000_000);
    },
  },
];
