import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, test } from 'vitest';
import { createTaskFolder, type TaskFolder } from '../test/task-folder.ts';
import { equalPolicies } from './canonical-policy.ts';
import { parseSandboxPolicy } from './parse-policy.ts';
import { resolveSandboxPolicy, type TaskPlace } from './resolve-policy.ts';

async function resolve(task: TaskFolder, settings: unknown, over: Partial<TaskPlace> = {}) {
  await using host = createLocalHost({ home: task.root });
  return await resolveSandboxPolicy(host, parseSandboxPolicy(settings), {
    codexVersion: '0.169.0',
    workdir: task.workdir,
    codexHome: task.codexHome,
    ...over,
  });
}

describe('on a host', () => {
  test('a grant that is a link into the secrets is refused', async () => {
    await using task = await createTaskFolder();
    await symlink(task.codexHome, join(task.root, 'innocent'));
    const settings = { extraAllowedDirs: [{ path: '~/innocent', mode: 'rw' }] };
    await expect(resolve(task, settings)).rejects.toMatchObject({ code: 'contradiction' });
  });

  test('a grant below a link is the folder that it leads to', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.root, 'real', 'data'), { recursive: true });
    await symlink('real', join(task.root, 'link'));
    const { entries } = await resolve(task, { extraAllowedDirs: [{ path: '~/link/data', mode: 'rw' }] });
    expect(entries.map(({ path }) => path)).toContain(join(task.root, 'real', 'data'));
  });

  test('the workdir and CODEX_HOME are the folders that are meant', async () => {
    await using task = await createTaskFolder();
    await symlink('work', join(task.root, 'alias'));
    const alias = join(task.root, 'alias');
    const { binding } = await resolve(
      task,
      {},
      { workdir: hostPath(alias), codexHome: hostPath(join(alias, 'home/.codex')) },
    );
    expect(binding).toMatchObject({ workdir: task.workdir, codexHome: task.codexHome });
  });

  test('a folder that is denied may be missing, with all that leads to it', async () => {
    await using task = await createTaskFolder();
    const entries = [
      { access: 'read', path: '/' },
      { access: 'deny', path: '~/none/such/folder' },
    ];
    const resolved = await resolve(task, { profile: { kind: 'managed', entries } });
    expect(resolved.entries.map(({ path }) => path)).toContain(join(task.root, 'none/such/folder'));
  });

  test.each(['missing', 'file'])(
    'a grant for writing that is no folder but %s is refused: Codex would not say so',
    async (name) => {
      await using task = await createTaskFolder();
      await writeFile(join(task.root, 'file'), '');
      const settings = { extraAllowedDirs: [{ path: `~/${name}`, mode: 'rw' }] };
      await expect(resolve(task, settings)).rejects.toMatchObject({ code: 'invalid-policy' });
    },
  );

  test('of what leads to a missing folder the links that are there are followed', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.root, 'real'));
    await symlink('real', join(task.root, 'link'));
    const entries = [
      { access: 'read', path: '/' },
      { access: 'deny', path: '~/link/none/such' },
      { access: 'deny', path: '~/link/none/other' },
    ];
    const resolved = await resolve(task, { profile: { kind: 'managed', entries } });
    const paths = resolved.entries.map(({ path }) => path);
    expect(paths).toContain(join(task.root, 'real/none/such'));
    expect(paths).toContain(join(task.root, 'real/none/other'));
  });

  test('a folder for temporary files in the workdir that leads out of it is refused: commands could have made the link', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.root, 'outside'));
    await symlink('../../outside', join(task.workdir, 'home/tmp'));
    const taskTmp = hostPath(join(task.workdir, 'home/tmp'));
    await expect(resolve(task, {}, { taskTmp })).rejects.toMatchObject({ code: 'invalid-policy' });
  });

  test('the logins of its user can be made unreachable: those that are there, where they really are', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.root, '.ssh'));
    await mkdir(join(task.root, 'elsewhere'));
    await symlink('elsewhere', join(task.root, '.aws'));
    await symlink('nowhere/at/all', join(task.root, '.kube'));
    await writeFile(join(task.root, '.netrc'), '');
    await writeFile(join(task.root, '.profile'), '');
    const { binding } = await resolve(task, {}, { hideUserLogins: true });
    const hidden = ['.kube', '.netrc', '.ssh', 'elsewhere'].map((name) => join(task.root, name));
    expect(binding.unreachable).toEqual(hidden);
    expect((await resolve(task, {})).binding.unreachable).toEqual([]);
  });

  test('a login folder that holds the workdir is not hidden from the task', async () => {
    await using task = await createTaskFolder();
    await symlink('work', join(task.root, '.docker'));
    const { binding } = await resolve(task, {}, { hideUserLogins: true });
    expect(binding.unreachable).toEqual([]);
  });

  test('a user without a home has no logins to hide', async () => {
    await using task = await createTaskFolder();
    const { workdir, codexHome } = task;
    await using host = createLocalHost({ home: hostPath(join(task.root, 'no-home')) });
    const place = { codexVersion: '0.169.0', workdir, codexHome, hideUserLogins: true };
    const { binding } = await resolveSandboxPolicy(host, parseSandboxPolicy({}), place);
    expect(binding).toMatchObject({ home: join(task.root, 'no-home'), unreachable: [] });
  });

  test('the policy stays what the caller asked for', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.root, 'data'));
    const settings = { extraAllowedDirs: [{ path: '~/data', mode: 'rw' }] };
    const { policy } = await resolve(task, settings);
    expect(equalPolicies(policy, parseSandboxPolicy(settings))).toBe(true);
  });
});
