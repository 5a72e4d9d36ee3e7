import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { expect, it } from 'vitest';
import { bringBack } from './from-optio.ts';
import { openMongodbStore } from './mongodb-store.ts';
import { resealAll } from './reseal-all.ts';

const keys = { '2026': Buffer.alloc(32, 'k'), '2027': Buffer.alloc(32, 'l') };

describeOnMongodb('tasks in MongoDB', (database) => {
  const address = (): string => {
    const url = new URL(database().uri);
    url.pathname = database().db.databaseName;
    return url.href;
  };

  it('are kept there, and sealed under a new key when it is time', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'stores-'));
    await using host = createLocalHost();
    await writeFile(join(folder.path, 'notes.txt'), 'first');
    {
      const encryption = createKeyring({ current: '2026', keys: { '2026': keys['2026'] } });
      await using store = await openMongodbStore(address(), encryption);
      await store.snapshots.save(host, hostPath(folder.path), { task: 'notes' });
    }
    {
      await using store = await openMongodbStore(address(), createKeyring({ current: '2027', keys }));
      await resealAll(store.snapshots);
    }
    const encryption = createKeyring({ current: '2027', keys: { '2027': keys['2027'] } });
    await using store = await openMongodbStore(address(), encryption);
    expect(await store.snapshots.verify({ task: 'notes' })).toMatchObject({ damaged: [] });
  });

  it('of optio-codex are looked for under their own names', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'stores-'));
    await using host = createLocalHost();
    const bringing = bringBack(database().db, host, hostPath(folder.path));
    await expect(bringing).rejects.toMatchObject({ code: 'not-found' });
  });
});
