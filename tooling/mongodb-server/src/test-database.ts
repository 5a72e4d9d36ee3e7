import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';

/** A database that nobody else uses. Disposal drops it and closes the client. */
export interface TestDatabase extends AsyncDisposable {
  readonly db: Db;
  readonly client: MongoClient;
  readonly uri: string;
}

/** A fresh, empty database on the server at `uri`. */
export async function openTestDatabase(uri: string): Promise<TestDatabase> {
  const client = new MongoClient(uri);
  await client.connect();
  const db = client.db(`seedbed_test_${randomUUID().replaceAll('-', '')}`);
  return {
    db,
    client,
    uri,
    async [Symbol.asyncDispose]() {
      try {
        await db.dropDatabase();
      } finally {
        await client.close();
      }
    },
  };
}
