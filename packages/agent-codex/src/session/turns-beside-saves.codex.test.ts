import type { Snapshots } from '@seedbed/snapshots';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

/** A store in which every save stands still until it is let go. */
function stalling(store: Snapshots) {
  const begun = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  let saves = 0;
  const snapshots: Snapshots = {
    ...store,
    async save(...args) {
      saves += 1;
      begun.resolve();
      await gate.promise;
      return await store.save(...args);
    },
  };
  return { snapshots, begun: begun.promise, letGo: () => gate.resolve(), saves: () => saves };
}

describe.each(supportedVersions)('the turns of Codex %s', { timeout: 120_000 }, (version) => {
  it('begin and end while a snapshot stands still, which is one for all of them', async () => {
    await using folder = await openTasksFolder();
    await using stored = await openTasksFolder();
    await using store = await openSnapshotStore({ kind: 'embedded', folder: stored.path });
    await using model = await openScriptedModel({
      story: { run: 'shared', replies: [], otherwise: [{ type: 'say', text: 'Yes.' }] },
    });
    const { snapshots, begun, letGo, saves } = stalling(store.snapshots);
    const session = await openSessionTask({
      ...{ version, model, folder: folder.path, snapshots: { store: snapshots, quietMs: 0 } },
    });
    await session.conversation.run('One');
    await begun;
    for (const text of ['Two', 'Three', 'Four'])
      expect((await session.conversation.run(text)).outcome).toEqual({ status: 'completed' });
    expect([saves(), await store.snapshots.list('task-1')]).toEqual([1, []]);
    letGo();
    expect(await session.end()).toMatchObject({ failures: [], snapshot: { snapshot: { endState: 'done' } } });
  });
});
