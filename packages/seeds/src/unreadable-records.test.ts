import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { ObjectId } from 'mongodb';
import { expect, test } from 'vitest';
import { type Ground, homeOf, openGround } from '../test/ground.ts';
import { createMongodbSeedStore } from './mongodb/index.ts';
import type { SeedStore } from './seed-store.ts';
import { openSqliteSeedStore } from './sqlite/index.ts';

/** Of two logins in a pool one has become a record of another version. */
async function expectOthersUsable(ground: Ground, store: SeedStore, damage: (id: string) => Promise<void>) {
  const seeds = ground.seeds({ store });
  const capture = async (account: string) => {
    const home = homeOf(account);
    await ground.write(home, { account, token: `${account}-1`, at: 1 });
    return await seeds.capture({ host: ground.host, home, pool: 'team' });
  };
  const [damaged, whole] = [await capture('ada'), await capture('bob')];
  await damage(damaged);
  const shown = new Map((await seeds.list()).map((seed) => [seed.id, seed]));
  expect(shown.get(whole)).toMatchObject({ status: 'alive' });
  expect(shown.get(damaged)).toMatchObject({
    status: 'unreadable',
    statusReason: expect.stringContaining('later version'),
  });
  {
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).toBe(whole);
    const refusals = expect.arrayContaining([
      expect.objectContaining({ seedId: damaged, reason: 'unreadable' }),
    ]);
    await expect(seeds.acquire({ pool: 'team' }, 'other')).rejects.toMatchObject({ refusals });
  }
  // It may be the very login that is to be captured.
  await expect(capture('eve')).rejects.toMatchObject({
    ...{ name: 'SeedError', code: 'unreadable' },
    message: expect.stringContaining('deleteUnreadable'),
  });
  await expect(seeds.deleteUnreadable(whole)).rejects.toMatchObject({ code: 'invalid-config' });
  await seeds.deleteUnreadable(damaged);
  expect((await seeds.list()).map(({ id }) => id)).toEqual([whole]);
  // As with `delete` there is nothing to complain of when somebody else has done it.
  await seeds.deleteUnreadable(damaged);
  await capture('eve');
}

test('a record in SQLite that cannot be read hides no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seeds-unreadable-'));
  try {
    await using ground = openGround();
    const file = join(folder, 'seeds.db');
    await using store = await openSqliteSeedStore({ file });
    await expectOthersUsable(ground, store, async (id) => {
      using database = new DatabaseSync(file);
      database.prepare(`UPDATE seeds SET facts = '{"status":"dormant"}' WHERE id = ?`).run(id);
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

describeOnMongodb('a record that cannot be read', (database) => {
  test.each([
    ['by itself', undefined, 'facts.credential'],
    ['in the layout of another program', {}, 'seedbed.facts.credential'],
  ])('hides no other: %s', async (_, shared, field) => {
    await using ground = openGround();
    const { db } = database();
    const collection = `seeds_${randomUUID()}`;
    const store = createMongodbSeedStore({ db, collection, ...(shared && { shared }) });
    await expectOthersUsable(ground, store, async (id) => {
      const damaged = await db
        .collection(collection)
        .updateOne({ _id: new ObjectId(id) }, { $set: { [field]: 'dormant' } });
      expect(damaged.modifiedCount).toBe(1);
    });
  });
});
