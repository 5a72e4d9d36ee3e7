import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type BlobStore, BlobStoreError, createKeyring, sealBlobs } from '../index.ts';
import { readBlob } from './contract/contract-case.ts';
import {
  blobStoreContract,
  type ContractStore,
  createMemoryBlobStore,
  type MemoryBlobOperation,
} from './index.ts';

const keyring = createKeyring({ current: 'k', keys: { k: randomBytes(32) } });

function subject(store: BlobStore): ContractStore {
  return { store, [Symbol.asyncDispose]: async () => undefined };
}

describe('a memory store keeps the contract', () => {
  const cases = blobStoreContract({ create: () => subject(createMemoryBlobStore()) });
  for (const { name, run } of cases) it(name, run);
});

describe('a memory store keeps the contract sealed', () => {
  const cases = blobStoreContract({ create: () => subject(sealBlobs(createMemoryBlobStore(), keyring)) });
  for (const { name, run } of cases) it(name, run);
});

describe('a memory store has faults on demand', () => {
  const failing = (at: MemoryBlobOperation): BlobStore => {
    let isFirst = true;
    return createMemoryBlobStore({
      faults(operation) {
        if (operation !== at || !isFirst) return undefined;
        isFirst = false;
        return new BlobStoreError('unavailable', 'the cable was pulled');
      },
    });
  };

  it('before a blob is there, which leaves something to sweep', async () => {
    const store = failing('put-commit');
    const id = store.createId();
    await expect(store.put(randomBytes(10), { id })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await store.stat(id)).toBeUndefined();
    expect(await store.sweep({ olderThanMs: 0 })).toEqual({ removed: 1, bytes: 10 });
  });

  it('after a blob is there, which its caller has to find out', async () => {
    const store = failing('put-answer');
    const id = store.createId();
    await expect(store.put(randomBytes(10), { id })).rejects.toMatchObject({ code: 'unavailable' });
    expect(await store.stat(id)).toMatchObject({ size: 10 });
  });

  it('in the middle of reading', async () => {
    const store = failing('read');
    const id = await store.put(randomBytes(10));
    await expect(readBlob(store, id)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readBlob(store, id)).toHaveLength(10);
  });
});
