import { describeOnMongodb } from '@seedbed/mongodb-server';
import { describe, expect, test } from 'vitest';
import { runSeedChaos, type SeedChaosOptions } from '../../test/seed-chaos/seed-chaos.ts';

/** Another one each day: what fails is run again with the number that the message names. */
const NUMBER = Math.floor(Date.now() / 86_400_000);
const LIMIT_MS = 300_000;

/** A short run; `node test/seed-chaos/main.ts` is the long one. */
async function expectNoHarm(store: SeedChaosOptions['store']): Promise<void> {
  const { counts, violations } = await runSeedChaos({
    number: NUMBER,
    seconds: 20,
    seeds: 3,
    controllers: 2,
    tasks: 3,
    leaseMs: 3_000,
    store,
  });
  expect(violations, `number ${NUMBER}: ${JSON.stringify(counts)}`).toEqual([]);
  expect(counts.sessions).toBeGreaterThan(0);
}

describe('no token is lost and none is spent twice while programs and agents are killed, the store goes away and clocks are set', () => {
  test('with SQLite', { timeout: LIMIT_MS }, () => expectNoHarm('sqlite'));
});

describeOnMongodb('no token is lost and none is spent twice under the same', (database) => {
  test('with MongoDB', { timeout: LIMIT_MS }, async () => {
    const { db, uri } = database();
    const layout = NUMBER % 2 === 0 ? 'own' : 'shared';
    await expectNoHarm({ kind: 'mongodb', uri, database: db.databaseName, layout });
  });
});
