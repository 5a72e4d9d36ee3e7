import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openScriptedTask } from '../../test/scripted-task.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('a command of Codex %s', (version) => {
  it('does not see the tasks beside its own, where the folder of all tasks is named', async () => {
    const tasksFolder = await mkdtemp('/var/tmp/seedbed-tasks-');
    await using stack = new AsyncDisposableStack();
    stack.defer(() => rm(tasksFolder, { recursive: true, force: true }));
    const neighbour = join(tasksFolder, 'other', 'home', '.codex');
    await mkdir(neighbour, { recursive: true });
    await writeFile(join(neighbour, 'auth.json'), 'canary-of-the-neighbour');
    const task = stack.use(
      await openScriptedTask({
        version,
        tasksFolder,
        workdir: join(tasksFolder, 'own'),
        story: [
          [
            {
              type: 'run',
              command: `cat ${neighbour}/auth.json; ls ${tasksFolder}/other; echo mine > kept && cat kept; echo END`,
            },
          ],
          [{ type: 'say', text: 'Done.' }],
        ],
      }),
    );
    expect((await task.conversation.run('Look')).outcome).toEqual({ status: 'completed' });
    const told = JSON.stringify(task.model.requests[1]?.input.at(-1));
    expect(told).toContain('END');
    expect(told).toContain('mine');
    expect(told).not.toContain('canary-of-the-neighbour');
  });
});
