export {
  createMongodbSeedStore,
  type MongodbSeedStoreOptions,
  type SeedCodec,
  type SharedSeeds,
} from './mongodb-seed-store.ts';
