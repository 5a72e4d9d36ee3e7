import { describe, it } from 'vitest';
import { createMemorySeedStore, seedStoreContract } from './index.ts';

describe('seeds in memory', () => {
  const create = () => {
    const store = createMemorySeedStore();
    return [store, store.another()] as const;
  };
  for (const { name, run } of seedStoreContract({ create })) it(name, run);
});
