import type { Keyring } from '@seedbed/blob-store';
import { createGridFsBlobStore, ensureIndexes } from '@seedbed/blob-store/gridfs';
import { createSnapshots, type Snapshots } from '@seedbed/snapshots';
import { createMongoSnapshotIndex } from '@seedbed/snapshots/mongodb';
import { MongoClient } from 'mongodb';

export interface MongodbStore extends AsyncDisposable {
  readonly snapshots: Snapshots;
}

/** Tasks in the database that the address names, such as `mongodb://127.0.0.1:27017/tasks`. */
export async function openMongodbStore(address: string, encryption: Keyring): Promise<MongodbStore> {
  const client = await MongoClient.connect(address, { w: 'majority', readPreference: 'primary' });
  const db = client.db();
  await ensureIndexes(db); // once, when a service is set up
  const index = createMongoSnapshotIndex(db);
  const snapshots = createSnapshots({ index, blobs: createGridFsBlobStore(db), encryption });
  return { snapshots, [Symbol.asyncDispose]: () => client.close() };
}
