import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { createGridFsBlobStore } from '@seedbed/blob-store/gridfs';
import { createSnapshots, type Snapshots } from '@seedbed/snapshots';
import { createMongoSnapshotIndex } from '@seedbed/snapshots/mongodb';
import { openSqliteSnapshotIndex } from '@seedbed/snapshots/sqlite';
import { MongoClient } from 'mongodb';

/** Where a store of snapshots is, as data that another program can be told. The key is one for tests. */
export type StorePlace =
  | { readonly kind: 'embedded'; readonly folder: string }
  | { readonly kind: 'mongodb'; readonly uri: string; readonly database: string };

const keyring = createKeyring({ current: 'k1', keys: { k1: Buffer.alloc(32, 'k') } });

/** A program's own view of a store: it remembers nothing of what others did. */
export async function openSnapshotStore(
  place: StorePlace,
): Promise<{ readonly snapshots: Snapshots } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  if (place.kind === 'embedded') {
    const blobs = await openDirectoryBlobStore({ folder: join(place.folder, 'blobs') });
    const index = stack.use(openSqliteSnapshotIndex({ file: join(place.folder, 'index.sqlite') }));
    const ended = stack.move();
    return {
      snapshots: createSnapshots({ index, blobs, encryption: keyring }),
      [Symbol.asyncDispose]: () => ended.disposeAsync(),
    };
  }
  const client = stack.adopt(await new MongoClient(place.uri).connect(), (each) => each.close());
  const db = client.db(place.database);
  const ended = stack.move();
  return {
    snapshots: createSnapshots({
      index: createMongoSnapshotIndex(db),
      blobs: createGridFsBlobStore(db),
      encryption: keyring,
    }),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}
