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

  it.each(['~', '~/seeds.db', '~me/seeds.db'])('are in no file called %s', async (file) => {
    const message = expect.stringMatching(/^file cannot be "~.*os\.homedir\(\)/);
    await expect(openSqliteSeedStore({ file })).rejects.toMatchObject({ code: 'invalid-config', message });
  });

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
    clock.read(() => 0);
    db.exec("UPDATE clock SET boot = 'an earlier one', zero = 0");
    expect(clock.read(() => ends).nowMs).toBeGreaterThanOrEqual(ends);
  });

  it('does not follow a wall clock that is set while a lease runs, and does when none is left', () => {
    using db = database();
    const clock = createBootClock(db);
    const before = clock.read(() => 0).nowMs;
    // As if the wall clock had been set back by an hour.
    db.exec('UPDATE clock SET zero = zero + 3600000');
    const ends = before + 3_600_000 + 60_000;
    const ahead = clock.read(() => ends).nowMs;
    expect(ahead).toBeGreaterThanOrEqual(before + 3_600_000);
    // Nor where it is taken just when nobody seemed to have one.
    let asked = 0;
    const taken = (): number => {
      asked += 1;
      return asked === 1 ? 0 : ends;
    };
    expect(clock.read(taken).nowMs).toBeGreaterThanOrEqual(ahead);
    expect(clock.read(() => 0).nowMs).toBeLessThan(ahead);
  });

  it.each([
    ['forward', 3_600_000],
    ['back', -3_600_000],
  ])(
    'that was set %s since a seed was read gives no lease by what it said before: nobody could have it for an hour, or two at once',
    async (_, byMs) => {
      const file = join(folder, 'seeds.db');
      await using store = await openSqliteSeedStore({ file });
      const id = store.createId('of ada');
      const about = { id, createdMs: 1, updatedMs: 1, lineage: [], aside: [] };
      const facts = { ...about, status: 'alive', fence: 0 } as const;
      await store.insert(facts, new Uint8Array(1));
      const read = await store.get(id);
      if (read === undefined) throw new Error('The seed is gone.');
      // As another program does it when it sees a wall clock that was set, and no lease.
      using other = new DatabaseSync(file);
      other.prepare('UPDATE clock SET zero = zero + ?').run(byMs);
      const lease = { holder: 'late', fence: 1, expiresMs: read.nowMs + 60_000 };
      expect(await store.update(read, { facts: { ...facts, lease, fence: 1 } })).toBe(false);
      expect(await store.remove(read)).toBe(false);
      const again = await store.get(id);
      expect(again && (await store.update(again, { facts: { ...facts, label: 'read again' } }))).toBe(true);
    },
  );
});
