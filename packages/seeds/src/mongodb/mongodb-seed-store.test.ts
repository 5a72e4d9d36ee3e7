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

describe('the name of a store', () => {
  const labelOf = (client: MongoClient): string =>
    createMongodbSeedStore({ db: client.db('tasks'), collection: 'seeds' }).label;

  it('is the same in whatever order its servers are named', () => {
    const [one, other] = ['a.example:1,b.example:2', 'b.example:2,a.example:1'].map(
      (hosts) => new MongoClient(`mongodb://${hosts}/?replicaSet=r`),
    );
    expect(one && labelOf(one)).toBe('mongodb a.example:1,b.example:2/tasks.seeds');
    expect(other && labelOf(other)).toBe(one && labelOf(one));
  });

  it('is the name that DNS is asked for, before it has answered and after', () => {
    const client = new MongoClient('mongodb+srv://somebody:hidden@cluster.example.org');
    expect(labelOf(client)).toBe('mongodb cluster.example.org/tasks.seeds');
    // As the driver does once it has the answer, in the order in which that came.
    const found = new MongoClient('mongodb://shard-1.example.org,shard-0.example.org').options.hosts;
    client.options.hosts.push(...found);
    expect(labelOf(client)).toBe('mongodb cluster.example.org/tasks.seeds');
  });
});
