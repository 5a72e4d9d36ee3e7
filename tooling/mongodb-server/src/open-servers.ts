import { cacheFolders } from './cache-folder.ts';
import { missingForJava, startJavaServer } from './java-server.ts';
import { startDownloadedMongod, startMongod } from './mongod.ts';
import { NoMongodbServer, type OpenMongodbServers, type StartedServer } from './mongodb-server.ts';
import { namedServers, splitUris } from './named-servers.ts';
import { programOnPath } from './program-on-path.ts';

/**
 * Finds or starts a server: those that `MONGODB_TEST_URI` names, else `mongod`, else mongo-java-server where there are Java and Maven, else a download.
 * Prints nothing.
 *
 * @throws {NoMongodbServer} when none can be had; says why for each.
 */
export async function openMongodbServers(env: NodeJS.ProcessEnv = process.env): Promise<OpenMongodbServers> {
  const uris = splitUris(env['MONGODB_TEST_URI'] ?? '');
  if (uris.length > 0) {
    return { servers: await namedServers(uris), [Symbol.asyncDispose]: async () => undefined };
  }
  const reasons: string[] = [];
  for (const start of waysToStart(env, reasons)) {
    try {
      const started = await start();
      return { servers: [started.server], [Symbol.asyncDispose]: () => started[Symbol.asyncDispose]() };
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new NoMongodbServer(
    `There is no MongoDB server: ${reasons.join('; ')}. Name one in MONGODB_TEST_URI, or install mongod, or Java and Maven.`,
  );
}

function waysToStart(env: NodeJS.ProcessEnv, reasons: string[]): readonly (() => Promise<StartedServer>)[] {
  const caches = cacheFolders(env);
  const ways: (() => Promise<StartedServer>)[] = [];
  const mongod = programOnPath('mongod', env);
  if (mongod === undefined) reasons.push('mongod is not on PATH');
  else ways.push(() => startMongod(mongod));
  const missing = missingForJava(env);
  if (missing.length > 0) reasons.push(`${missing.join(', ')} not on PATH`);
  else ways.push(() => startJavaServer(caches));
  ways.push(() => startDownloadedMongod(caches));
  return ways;
}
