import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/disk-tree.ts';
import { openLinkedDatabase } from '../test/linked-database.ts';
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

  it('makes the folder of its file, and takes no ~ for a folder', async () => {
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'state/of/ours/index.sqlite');
    openSqliteSnapshotIndex({ file })[Symbol.dispose]();
    expect((await stat(join(folder.path, 'state'))).mode & 0o777).toBe(0o700);
    expect(() => openSqliteSnapshotIndex({ file: '~/index.sqlite' })).toThrow(
      expect.objectContaining({ code: 'invalid-config', message: expect.stringContaining('homedir') }),
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

describeOnMongodb('an index in MongoDB that is slow to reach', (database) => {
  const open = async () => {
    const linked = await openLinkedDatabase(database().uri, { delayMs: 10 });
    return {
      index: createMongoSnapshotIndex(linked.through),
      other: createMongoSnapshotIndex(linked.through),
      [Symbol.asyncDispose]: async () => await linked[Symbol.asyncDispose](),
    };
  };
  for (const { name, run } of snapshotIndexContract({ open })) it(name, run);

  it('is written to once, or not, when the connection is lost on the way', async () => {
    await using linked = await openLinkedDatabase(database().uri, { delayMs: 1 });
    const [index, direct] = [
      createMongoSnapshotIndex(linked.through),
      createMongoSnapshotIndex(linked.direct),
    ];
    const outcomes = new Set<boolean | string>();
    for (let bytes = 0; bytes < 1_500; bytes += 150) {
      const head = { ...emptyHead(`cut after ${bytes}`), revision: 1 };
      linked.link.cutAfter(bytes, bytes % 300 === 0 ? 'up' : 'down');
      const outcome = await index.write(head, 0).catch((failure: { code: string }) => failure.code);
      outcomes.add(outcome);
      const stored = await direct.read(head.task);
      if (outcome === true || stored !== undefined) expect(stored).toEqual(head);
      // `false` may be the answer to a question that the driver has asked again.
      if (outcome === false) expect(stored).toEqual(head);
    }
    expect([...outcomes].filter((each) => typeof each === 'string' && each !== 'store-failed')).toEqual([]);
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
