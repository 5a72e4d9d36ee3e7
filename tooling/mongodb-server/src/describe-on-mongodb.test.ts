import { describe, expect, inject, it } from 'vitest';
import { describeOnMongodb } from './describe-on-mongodb.ts';
import { openTestDatabase } from './test-database.ts';

describeOnMongodb('a test database', (database) => {
  it('is empty, and keeps what is put into it', async () => {
    const notes = database().db.collection<{ _id: string; n: number }>('notes');
    expect(await database().db.listCollections().toArray()).toEqual([]);
    await notes.insertOne({ _id: 'a', n: 1 });
    expect(await notes.updateOne({ _id: 'a', n: 2 }, { $set: { n: 3 } })).toMatchObject({ modifiedCount: 0 });
    expect(await notes.updateOne({ _id: 'a', n: 1 }, { $set: { n: 3 } })).toMatchObject({ modifiedCount: 1 });
    await expect(notes.insertOne({ _id: 'a', n: 1 })).rejects.toMatchObject({ code: 11_000 });
  });

  it('is not another one, and gone when it is let go', async () => {
    const other = await openTestDatabase(database().uri);
    const name = other.db.databaseName;
    expect(name).not.toBe(database().db.databaseName);
    await other.db.collection('notes').insertOne({ n: 1 });
    await other[Symbol.asyncDispose]();
    expect(await database().client.db(name).listCollections().toArray()).toEqual([]);
  });
});

describe('the servers of a run', () => {
  it('are named with their versions', (context) => {
    const servers = inject('mongodbUris');
    if (servers.length === 0) context.skip(inject('mongodbAbsence'));
    for (const { name } of servers) expect(name).toMatch(/\d+\.\d+/);
    expect(inject('services')).toEqual(servers.map(({ name }) => name));
  });
});
