import { randomUUID } from 'node:crypto';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { seedStoreContract } from '../testing/index.ts';
import { createMongodbSeedStore, type SharedSeeds } from './index.ts';

const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0xff);

const layouts: Readonly<Record<string, SharedSeeds | undefined>> = {
  'documents of their own': undefined,
  'a shared layout': {},
  'a shared layout with a codec': { codec: { encode: flip, decode: flip } },
};

describeOnMongodb('seeds in MongoDB', (database) => {
  describe.each(Object.entries(layouts))('in %s', (_, shared) => {
    const create = () => {
      const { db } = database();
      const collection = `seeds_${randomUUID()}`;
      const options = { db, collection, ...(shared === undefined ? {} : { shared }) };
      return [createMongodbSeedStore(options), createMongodbSeedStore(options)] as const;
    };
    for (const { name, run } of seedStoreContract({ create })) it(name, run);
  });
});

describe('a MongoDB server that is away', () => {
  it('is told as a store that may come back, by an address without what logs in there', async () => {
    const client = new MongoClient('mongodb://somebody:hidden@127.0.0.1:9/?authSource=admin', {
      serverSelectionTimeoutMS: 100,
    });
    const store = createMongodbSeedStore({ db: client.db('tasks'), collection: 'seeds' });
    try {
      expect(store.label).toBe('mongodb 127.0.0.1:9/tasks.seeds');
      await expect(store.get(store.createId('nobody'))).rejects.toMatchObject({
        name: 'SeedError',
        code: 'store-unavailable',
        message: expect.not.stringContaining('hidden'),
      });
      await expect(store.now()).rejects.toMatchObject({ code: 'store-unavailable' });
    } finally {
      await client.close();
    }
  });
});
