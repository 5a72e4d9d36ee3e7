import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seedStoreContract } from '../testing/index.ts';
import { createBootClock } from './boot-clock.ts';
import { openSqliteSeedStore } from './index.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-sqlite-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('seeds in SQLite', () => {
  const create = async () => {
    const file = join(folder, 'private/seeds.db');
    return [await openSqliteSeedStore({ file }), await openSqliteSeedStore({ file })] as const;
  };
  for (const { name, run } of seedStoreContract({ create })) it(name, run);

  it('are for the eyes of this user', async () => {
    const file = join(folder, 'private/seeds.db');
    await using _store = await openSqliteSeedStore({ file });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(`${file}-wal`)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'private'))).mode & 0o777).toBe(0o700);
  });

  it('are written when another program lets go of them, and this one goes on meanwhile', async () => {
    const file = join(folder, 'seeds.db');
    await using store = await openSqliteSeedStore({ file });
    const id = store.createId('of ada');
    const facts = {
      id,
      createdMs: 1,
      updatedMs: 1,
      status: 'alive',
      fence: 0,
      lineage: [],
      aside: [],
    } as const;
    using other = new DatabaseSync(file);
    other.exec('BEGIN IMMEDIATE');
    const inserting = store.insert(facts, new Uint8Array(1));
    // Would never come to this if it waited without letting go of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 50));
    other.exec('COMMIT');
    await inserting;
    expect((await store.get(id))?.facts.id).toBe(id);
  });

  it('cannot be opened in a file that is something else', async () => {
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'not a database, but long enough to look at it as if it might be one\n'.repeat(20));
    await expect(openSqliteSeedStore({ file })).rejects.toMatchObject({ code: 'store-failed' });
  });

  it('say that the store is away where its folder cannot be had', async () => {
    await writeFile(join(folder, 'file'), '');
    const opening = openSqliteSeedStore({ file: join(folder, 'file/seeds.db') });
    await expect(opening).rejects.toMatchObject({ name: 'SeedError' });
  });
});

describe('the clock of a SQLite store', () => {
  const database = (): DatabaseSync => new DatabaseSync(join(folder, 'clock.db'));

  it('goes on from the end of every lease of an earlier boot', () => {
    using db = database();
    const ends = Date.now() + 3_600_000;
    const clock = createBootClock(db);
    clock.now(0);
    db.exec("UPDATE clock SET boot = 'an earlier one', zero = 0");
    expect(clock.now(ends)).toBeGreaterThanOrEqual(ends);
  });

  it('does not follow a wall clock that is set while a lease runs, and does when none is left', () => {
    using db = database();
    const clock = createBootClock(db);
    const before = clock.now(0);
    // As if the wall clock had been set back by an hour.
    db.exec('UPDATE clock SET zero = zero + 3600000');
    const ahead = clock.now(before + 3_600_000 + 60_000);
    expect(ahead).toBeGreaterThanOrEqual(before + 3_600_000);
    expect(clock.now(0)).toBeLessThan(ahead);
  });
});
