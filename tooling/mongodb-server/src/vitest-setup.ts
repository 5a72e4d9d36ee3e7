import type { TestProject } from 'vitest/node';
import { type MongodbServer, NoMongodbServer } from './mongodb-server.ts';
import { openMongodbServers } from './open-servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The servers that the tests of this run may use. Empty when there is none: then `mongodbAbsence` says why. */
    readonly mongodbUris: readonly MongodbServer[];
    readonly mongodbAbsence: string;
    /** What the tests ran against, for the closing lines of a run. */
    readonly services: readonly string[];
  }
}

/**
 * Vitest's global set-up of packages that ask for it (`packageTests(folder, { mongodb: true })`): one server for all files of a run.
 * In CI a run without a server fails; elsewhere its tests skip themselves and say why.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  try {
    const opened = await openMongodbServers();
    project.provide('mongodbUris', opened.servers);
    project.provide('mongodbAbsence', '');
    project.provide(
      'services',
      opened.servers.map(({ name }) => name),
    );
    return async () => {
      await opened[Symbol.asyncDispose]();
    };
  } catch (error) {
    if (!(error instanceof NoMongodbServer) || process.env['CI'] === 'true') throw error;
    project.provide('mongodbUris', []);
    project.provide('mongodbAbsence', error.message);
    return async () => undefined;
  }
}
