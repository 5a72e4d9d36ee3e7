import { blobStoreContract, createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { describe, it } from 'vitest';

// In the place of createMemoryBlobStore stands what opens a store of your own; disposing of the subject lets go of it.
const create = async () => ({ store: createMemoryBlobStore(), [Symbol.asyncDispose]: async () => {} });

describe('a store of my own', () => {
  for (const { name, run } of blobStoreContract({ create })) it(name, run, 30_000);
});
