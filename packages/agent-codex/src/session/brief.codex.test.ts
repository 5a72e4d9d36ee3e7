import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openSessionTask, openTasksFolder } from '../../test/session-task.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { openScriptedModel } from '../testing/index.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('the brief of a task with Codex %s', (version) => {
  const story = {
    run: 'shared',
    replies: [{ steps: [{ type: 'run', command: 'cat AGENTS.md' }] }],
    otherwise: [{ type: 'say', text: 'Understood.' }],
  } as const;

  it('is shown to the agent, or it is told where to read it, and can', async () => {
    await using folder = await openTasksFolder();
    await using model = await openScriptedModel({ story });
    const parts = { version, model, folder: folder.path, instructions: 'Speak French.' };
    await using session = await openSessionTask({ ...parts, brief: 'Count the sheep.' });
    await session.conversation.run('Go on.');
    const [first, second] = model.requests.map(({ input, instructions }) =>
      JSON.stringify([instructions, input]),
    );
    expect(first).toContain('Speak French.');
    expect(first).toContain('is written in the file AGENTS.md');
    // 0.169 shows the AGENTS.md of a trusted project alone.
    expect(first?.includes('Count the sheep.')).toBe(version === '0.142.5');
    expect(second).toContain('Count the sheep.');
  });

  it('is told of in a later session as well, which is not given it again', async () => {
    await using folder = await openTasksFolder();
    await using stored = await openTasksFolder();
    await using store = await openSnapshotStore({ kind: 'embedded', folder: stored.path });
    await using model = await openScriptedModel({ story });
    const parts = { version, model, folder: folder.path, snapshots: { store: store.snapshots } };
    const first = await openSessionTask({ ...parts, brief: 'Count the sheep.' });
    await first.conversation.run('Go on.');
    await first.end();
    await using second = await openSessionTask({ ...parts, name: 'elsewhere' });
    await second.conversation.run('And now?');
    const { input, instructions } = model.requests.at(-1) ?? {};
    expect(JSON.stringify([instructions, input])).toContain('is written in the file AGENTS.md');
  });
});
