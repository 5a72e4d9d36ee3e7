import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout } from '../../test/codex-binaries.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

const version = '0.169.0';

beforeAll(() => codexBinary(version), downloadTimeout);

async function openGround() {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await openTasksFolder());
  const stored = stack.use(await openTasksFolder());
  const { snapshots: store } = stack.use(await openSnapshotStore({ kind: 'embedded', folder: stored.path }));
  const model = stack.use(
    await openScriptedModel({ story: { replies: [], otherwise: [{ type: 'say', text: 'Yes.' }] } }),
  );
  const ended = stack.move();
  const workdir = join(folder.path, 'work');
  return {
    ...{ store, workdir },
    open: (exclude: readonly string[]) =>
      openSessionTask({ version, model, folder: folder.path, snapshots: { store, exclude } }),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

describe('what a caller leaves out of snapshots', { timeout: 120_000 }, () => {
  it('is never Codex’s record of the thread, also where a glob names its files', async () => {
    await using ground = await openGround();
    const session = await ground.open(['*.jsonl', 'build']);
    await session.conversation.run('Go on.');
    await writeFile(join(ground.workdir, 'big.jsonl'), '{}\n');
    expect(await session.end()).toMatchObject({ failures: [] });
    const { entries, leftOut } = await ground.store.show({ task: 'task-1' });
    const lines = entries.map(({ path }) => path).filter((path) => path.endsWith('.jsonl'));
    expect(lines).toEqual([expect.stringMatching(/^home\/\.codex\/sessions\/.*rollout-.*\.jsonl$/)]);
    expect(leftOut).toContainEqual({ path: 'big.jsonl', reason: 'excluded' });
  });

  it.each(['home/.codex/sessions', 'home/.codex', 'home'])(
    'cannot be %s: that is said before anything begins',
    async (glob) => {
      await using ground = await openGround();
      await expect(ground.open([glob])).rejects.toMatchObject({
        name: 'SnapshotError',
        code: 'invalid-config',
      });
      expect(existsSync(ground.workdir)).toBe(false);
    },
  );
});
