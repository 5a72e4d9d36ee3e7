import { randomUUID } from 'node:crypto';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { describe, it } from 'vitest';
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
