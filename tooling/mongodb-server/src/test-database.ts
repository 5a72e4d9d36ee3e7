import { randomUUID } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';

/** A database that nobody else uses. Disposal drops it and closes the client. */
export interface TestDatabase extends AsyncDisposable {
  readonly db: Db;
  readonly client: MongoClient;
  readonly uri: string;
}

/** How long a server may be silent before a test is told, instead of the driver's half a minute. */
const ANSWER_MS = 10_000;

/** A fresh, empty database on the server at `uri`. */
export async function openTestDatabase(uri: string): Promise<TestDatabase> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: ANSWER_MS });
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
