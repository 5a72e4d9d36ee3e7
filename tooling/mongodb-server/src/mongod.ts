import { join } from 'node:path';
import type { CacheFolders } from './cache-folder.ts';
import type { StartedServer } from './mongodb-server.ts';
import { runTool } from './run-tool.ts';

/** The version that is fetched where there is no other server. */
const DOWNLOADED_VERSION = '8.0.13';
const START_MS = 60_000;
const START_TRIES = 3;

/** Starts the `mongod` of this file on a free port, with its data in a temporary folder. */
export async function startMongod(file: string): Promise<StartedServer> {
  const printed = await runTool(file, ['--version'], { timeoutMs: START_MS });
  const version = /version v?(\d[\w.-]*)/.exec(printed)?.[1] ?? 'of unknown version';
  return await start(`mongod ${version}`, { systemBinary: file, version });
}

/** Fetches a `mongod` from its maker, once, and starts it. */
export async function startDownloadedMongod({ own }: CacheFolders): Promise<StartedServer> {
  return await start(`mongod ${DOWNLOADED_VERSION} (downloaded)`, {
    version: DOWNLOADED_VERSION,
    downloadDir: join(own, 'mongod'),
  });
}

/** It is ended by its number, with us or, by a guard, after us when we are killed. */
async function start(name: string, binary: Readonly<Record<string, string>>): Promise<StartedServer> {
  const mongod = await startAtFreePort(binary);
  return {
    server: { name, uri: mongod.getUri() },
    async [Symbol.asyncDispose]() {
      await mongod.stop({ doCleanup: true, force: true });
    },
  };
}

/** The port that was found to be free may be somebody else's by the time at which mongod listens. */
async function startAtFreePort(binary: Readonly<Record<string, string>>) {
  // Only who needs it pays for loading it.
  const { MongoMemoryServer } = await import('mongodb-memory-server-core');
  for (let tries = 1; ; tries += 1) {
    try {
      return await MongoMemoryServer.create({ binary, instance: { launchTimeout: START_MS } });
    } catch (failure) {
      if (tries === START_TRIES || !/already in use/.test(String(failure))) throw failure;
    }
  }
}
