import { createKeyring, sealBlobs } from '@seedbed/blob-store';
import { createGridFsBlobStore, ensureIndexes } from '@seedbed/blob-store/gridfs';
import { MongoClient } from 'mongodb';

// node in-mongodb.ts mongodb://127.0.0.1:27017/tasks
const [address = 'mongodb://127.0.0.1:27017/tasks'] = process.argv.slice(2);
const keyring = createKeyring({ current: '2026-11', keys: { '2026-11': process.env['BLOB_KEY'] ?? '' } });
const client = await MongoClient.connect(address);
try {
  await ensureIndexes(client.db()); // once, when a service is set up
  const store = sealBlobs(createGridFsBlobStore(client.db()), keyring);
  const id = await store.put(new TextEncoder().encode('hello'));
  process.stdout.write(`${store.label}: ${(await store.stat(id))?.size} bytes\n`);
} finally {
  await client.close();
}
