export { createMongoSnapshotIndex, type MongoIndexOptions } from './mongo-index.ts';
export { createOptioSnapshots, type OptioSnapshot, type OptioSnapshots } from './optio-snapshots.ts';
