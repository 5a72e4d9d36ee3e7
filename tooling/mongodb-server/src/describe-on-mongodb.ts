import { afterAll, beforeAll, describe, inject, test } from 'vitest';
import { openTestDatabase, type TestDatabase } from './test-database.ts';
// What the set-up provides is typed there, also for packages that see no more than this.
import type {} from './vitest-setup.ts';

/**
 * A group of tests for each server of the run, with one fresh database that is dropped after them. `database` gives it, within tests and hooks.
 * Where there is no server the group is one test that skips itself and says why.
 *
 * ```ts
 * describeOnMongodb('leases in MongoDB', (database) => {
 *   it('…', async () => { await database().db.collection('leases')… });
 * });
 * ```
 */
export function describeOnMongodb(name: string, define: (database: () => TestDatabase) => void): void {
  const servers = inject('mongodbUris');
  if (servers.length === 0) {
    describe(name, () => {
      test('needs a MongoDB server', (context) => context.skip(inject('mongodbAbsence')));
    });
    return;
  }
  for (const server of servers) {
    describe(`${name}, ${server.name}`, () => {
      let database: TestDatabase | undefined;
      beforeAll(async () => {
        database = await openTestDatabase(server.uri);
      });
      afterAll(async () => {
        await database?.[Symbol.asyncDispose]();
      });
      define(() => {
        if (database === undefined) throw new Error('The database is there within tests and hooks only.');
        return database;
      });
    });
  }
}
