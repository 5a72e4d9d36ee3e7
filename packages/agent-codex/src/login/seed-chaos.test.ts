import { describeOnMongodb } from '@seedbed/mongodb-server';
import { describe, expect, test } from 'vitest';
import {
  runSeedChaos,
  type SeedChaosOptions,
  type SeedChaosReport,
} from '../../test/seed-chaos/seed-chaos.ts';

/** Another one each day: what fails is run again with the command that the message names. */
const NUMBER = Math.floor(Date.now() / 86_400_000);
const LIMIT_MS = 300_000;
const SIZE = { seconds: 20, seeds: 3, controllers: 2, tasks: 3, leaseMs: 3_000 } as const;

/** A short run; `node test/seed-chaos/main.ts` is the long one. */
async function expectNoHarm(store: SeedChaosOptions['store']): Promise<void> {
  const report = await runSeedChaos({ number: NUMBER, ...SIZE, store });
  expect(report.violations, howToKnowWhy(store, report)).toEqual([]);
  expect(report.counts.sessions).toBeGreaterThan(0);
}

/** The machine's own timing is in no number: what happened is told as well as how to try again. */
function howToKnowWhy(store: SeedChaosOptions['store'], report: SeedChaosReport): string {
  const { counts, folder, story } = report;
  const layout = store !== 'sqlite' && store.layout === 'shared' ? ' --shared' : '';
  const size = Object.entries(SIZE).map(([name, value]) => `--${name} ${value}`);
  return [
    `node test/seed-chaos/main.ts --store ${store === 'sqlite' ? store : store.kind}${layout} --number ${NUMBER} ${size.join(' ')}`,
    `log, homes and journals: ${folder}`,
    JSON.stringify(counts),
    ...story,
  ].join('\n');
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
