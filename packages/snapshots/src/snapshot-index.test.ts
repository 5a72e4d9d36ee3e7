import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/disk-tree.ts';
import { createMongoSnapshotIndex } from './mongodb/index.ts';
import { openSqliteSnapshotIndex } from './sqlite/index.ts';
import { emptyHead } from './task-head.ts';
import { createMemorySnapshotIndex, snapshotIndexContract } from './testing/index.ts';

describe('an index in memory', () => {
  const open = async () => {
    const index = createMemorySnapshotIndex();
    return { index, other: index, [Symbol.asyncDispose]: async () => undefined };
  };
  for (const { name, run } of snapshotIndexContract({ open })) it(name, run);
});

describe('an index in SQLite', () => {
  const open = async () => {
    await using stack = new AsyncDisposableStack();
    const { path } = stack.use(await temporaryFolder());
    const file = join(path, 'index.sqlite');
    const index = stack.use(openSqliteSnapshotIndex({ file }));
    const other = stack.use(openSqliteSnapshotIndex({ file }));
    const ended = stack.move();
    return { index, other, [Symbol.asyncDispose]: () => ended.disposeAsync() };
  };
  for (const { name, run } of snapshotIndexContract({ open })) it(name, run);

  it('says what is wrong with a file that is none of its own', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'index.sqlite');
    await writeFile(file, 'no database at all, but long enough to look like a header of one'.repeat(4));
    expect(() => openSqliteSnapshotIndex({ file })).toThrow(
      expect.objectContaining({ code: 'store-failed', message: expect.stringContaining(file) }),
    );
  });

  it('remembers after it was closed', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'index.sqlite');
    const head = { ...emptyHead('t'), revision: 1 };
    {
      using index = openSqliteSnapshotIndex({ file });
      await index.write(head, 0);
    }
    using index = openSqliteSnapshotIndex({ file });
    expect(await index.read('t')).toEqual(head);
  });
});

describeOnMongodb('an index in MongoDB', (database) => {
  const open = async () => {
    const own = await openTestDatabase(database().uri);
    return {
      index: createMongoSnapshotIndex(own.db),
      other: createMongoSnapshotIndex(own.db),
      [Symbol.asyncDispose]: async () => await own[Symbol.asyncDispose](),
    };
  };
  for (const { name, run } of snapshotIndexContract({ open })) it(name, run);
});
