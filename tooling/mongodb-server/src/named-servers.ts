import { MongoClient } from 'mongodb';
import { type MongodbServer, NoMongodbServer } from './mongodb-server.ts';

/** How long a server that somebody named has for its first answer. */
const FIRST_ANSWER_MS = 30_000;

/** The addresses in `MONGODB_TEST_URI`: one or several, with white space between them, or commas (which may also stand within one). */
export function splitUris(text: string): readonly string[] {
  return text.split(/\s+|,(?=\s*(?:mongodb(?:\+srv)?:|$))/).filter((uri) => uri !== '');
}

/**
 * Asks each server for its name.
 *
 * @throws {NoMongodbServer} when one does not answer: whoever names a server means that one, and no other.
 */
export async function namedServers(
  uris: readonly string[],
  { answerMs = FIRST_ANSWER_MS }: { readonly answerMs?: number } = {},
): Promise<readonly MongodbServer[]> {
  return await Promise.all(uris.map(async (uri) => ({ name: await nameOf(uri, answerMs), uri })));
}

async function nameOf(uri: string, answerMs: number): Promise<string> {
  let where = 'the server that MONGODB_TEST_URI names';
  try {
    const client = new MongoClient(uri, { serverSelectionTimeoutMS: answerMs });
    where = client.options.hosts.map(String).join(',') || (client.options.srvHost ?? where);
    try {
      const { version } = await client.db('admin').command({ buildInfo: 1 });
      return `MongoDB ${version} at ${where}`;
    } finally {
      await client.close();
    }
  } catch (cause) {
    // The driver's own message may quote the address, and with it a password.
    const kind = cause instanceof Error ? cause.name : 'unknown failure';
    throw new NoMongodbServer(
      `MONGODB_TEST_URI: no answer from ${where} (${kind}). Start it, or unset the variable to let the tests find a server.`,
      { cause },
    );
  }
}
