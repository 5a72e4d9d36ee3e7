import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { openScriptedModel, type ScriptedModel } from '../testing/index.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const MAX_BYTES = 2_000_000;

const story = {
  run: 'shared',
  replies: [
    {
      steps: [
        { type: 'run', command: 'mkdir build && head -c 3000000 /dev/zero > build/out', yieldMs: 20_000 },
      ],
    },
    { steps: [{ type: 'say', text: 'It is built.' }] },
    { steps: [{ type: 'say', text: 'I see.' }] },
    { steps: [{ type: 'run', command: 'echo build > regenerable.txt', yieldMs: 20_000 }] },
    { steps: [{ type: 'say', text: 'It is listed.' }] },
  ],
  otherwise: [{ type: 'say', text: 'Yes.' }],
} as const;

function lastHeard(model: ScriptedModel): string {
  const { instructions, input } = model.requests.at(-1) ?? {};
  return JSON.stringify([instructions, input]);
}

describe.each(supportedVersions)(
  'a task of Codex %s with a limit of its size',
  { timeout: 120_000 },
  (version) => {
    it('is saved without what its agent says can be made again, which has been told how', async () => {
      await using folder = await openTasksFolder();
      await using stored = await openTasksFolder();
      await using store = await openSnapshotStore({ kind: 'embedded', folder: stored.path });
      await using model = await openScriptedModel({ story });
      const snapshots = { store: store.snapshots, maxBytes: MAX_BYTES, afterTurns: false };
      await using session = await openSessionTask({ version, model, folder: folder.path, snapshots });
      const { conversation } = session;
      await conversation.run('Build it.');
      for (const part of ['regenerable.txt of your working directory', `no more than ${MAX_BYTES} bytes`])
        expect(lastHeard(model)).toContain(part);
      await expect(session.snapshot()).rejects.toMatchObject({ code: 'limit-exceeded' });

      await conversation.run('And?');
      const told =
        /System: The folder was not saved: it holds 3\d{6} bytes in files, and at the most 2000000 are allowed\./g;
      expect(lastHeard(model).match(told)).toHaveLength(1);
      await expect(session.snapshot()).rejects.toMatchObject({ code: 'limit-exceeded' });

      await conversation.run('What was that?');
      expect(lastHeard(model).match(told)).toHaveLength(1);
      const { leftOut } = await session.snapshot();
      expect(leftOut).toContainEqual({ path: 'build', reason: 'regenerable' });
      const { entries } = await store.snapshots.show({ task: 'task-1' });
      expect(entries.map(({ path }) => path)).toContain('regenerable.txt');
    });

    it('that it has only since it was resumed is told to the agent as well', async () => {
      await using folder = await openTasksFolder();
      await using stored = await openTasksFolder();
      await using store = await openSnapshotStore({ kind: 'embedded', folder: stored.path });
      await using model = await openScriptedModel({ story: { ...story, replies: [] } });
      const parts = { version, model, folder: folder.path };
      const first = await openSessionTask({ ...parts, snapshots: { store: store.snapshots } });
      await first.conversation.run('Go on.');
      await first.end();
      expect(lastHeard(model)).not.toContain('regenerable.txt');
      const snapshots = { store: store.snapshots, maxBytes: MAX_BYTES };
      await using second = await openSessionTask({ ...parts, snapshots });
      await second.conversation.run('And now?');
      expect(lastHeard(model)).toContain('regenerable.txt of your working directory');
    });
  },
);
