import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import {
  fillTaskHome,
  lookAtTaskHome,
  makeTaskHome,
  refuseLinks,
  type TaskHomeContent,
} from './prepare-task-home.ts';
import { type TaskPaths, taskPaths } from './task-paths.ts';

async function emptyPlace(): Promise<{ host: Host; paths: TaskPaths } & AsyncDisposable> {
  const workdir = await mkdtemp('/var/tmp/seedbed-home-');
  const host = createLocalHost();
  return {
    host,
    paths: taskPaths(hostPath(workdir)),
    [Symbol.asyncDispose]: () => rm(workdir, { recursive: true, force: true }),
  };
}

async function prepare(host: Host, paths: TaskPaths, content: TaskHomeContent): Promise<void> {
  const { isThere, config } = await lookAtTaskHome(host, paths);
  if (!isThere) await makeTaskHome(host, paths);
  await fillTaskHome(host, paths, { ...content, config: [config, ...content.config] });
}

const modeOf = async (path: string): Promise<string> => ((await stat(path)).mode & 0o777).toString(8);

describe('the home of a task', () => {
  it('is its own alone, with everything that is in it', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [{ model: 'a' }], login: { type: 'api-key', apiKey: 'sk-x' } });
    const { home, codexHome, cache, config, data, state, tmp } = paths;
    for (const folder of [home, codexHome, cache, config, data, state, tmp])
      expect(await modeOf(folder), folder).toBe('700');
    for (const file of [paths.configToml, paths.authJson]) expect(await modeOf(file), file).toBe('600');
  });

  it('gets back what was taken away of it, and keeps the rest', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [{ model: 'a' }] });
    await writeFile(join(paths.cache, 'kept'), '');
    for (const folder of [paths.tmp, join(paths.home, '.local')]) await rm(folder, { recursive: true });
    await prepare(host, paths, { config: [] });
    for (const folder of [paths.tmp, paths.data, paths.state]) expect(await modeOf(folder)).toBe('700');
    await readFile(join(paths.cache, 'kept'));
    expect(await readFile(paths.configToml, 'utf8')).toContain('model = "a"');
  });

  it('forgets what its config.toml says of the sandbox', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [{ sandbox_mode: 'danger-full-access', model: 'a' }] });
    expect(await lookAtTaskHome(host, paths)).toMatchObject({ isThere: true, config: { model: 'a' } });
    expect((await lookAtTaskHome(host, paths)).config).not.toHaveProperty('sandbox_mode');
  });

  it('forgets the tool servers of the session before, with what they were given', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    const server = { command: 'lookup', env: { TOKEN: 'old' } };
    await prepare(host, paths, { config: [{ model: 'a', mcp_servers: { lookup: server } }] });
    await prepare(host, paths, { config: [{ mcp_servers: { lookup: { command: 'lookup' } } }] });
    expect(await readFile(paths.configToml, 'utf8')).not.toContain('TOKEN');
    await prepare(host, paths, { config: [] });
    const text = await readFile(paths.configToml, 'utf8');
    expect(text).toContain('model = "a"');
    expect(text).not.toContain('mcp_servers');
  });

  it.each([
    ['a login', { config: [{ model: 'b' }], login: { type: 'auth-json', content: '{}' } }],
    ['a configuration', { config: [{ model: [null] }], login: { type: 'api-key', apiKey: 'sk-x' } }],
  ] as const)('is left as it is when %s cannot be used', async (_, content) => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [{ model: 'a' }] });
    const before = await readFile(paths.configToml, 'utf8');
    await expect(fillTaskHome(host, paths, content)).rejects.toMatchObject({ code: 'invalid-config' });
    expect(await readFile(paths.configToml, 'utf8')).toBe(before);
    await expect(stat(paths.authJson)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is refused when a folder in it has become a link', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [] });
    refuseLinks(paths, (await lookAtTaskHome(host, paths)).folders);
    const elsewhere = join(paths.workdir, 'elsewhere');
    await rename(join(paths.home, '.local'), elsewhere);
    await symlink(elsewhere, join(paths.home, '.local'));
    const { folders } = await lookAtTaskHome(host, paths);
    expect(() => refuseLinks(paths, folders)).toThrow(
      expect.objectContaining({ code: 'launch-failed', message: expect.stringContaining(elsewhere) }),
    );
  });

  it('says where its config.toml is not TOML', async () => {
    await using place = await emptyPlace();
    const { host, paths } = place;
    await prepare(host, paths, { config: [] });
    await writeFile(paths.configToml, 'model = ');
    await expect(lookAtTaskHome(host, paths)).rejects.toMatchObject({ code: 'invalid-config' });
  });
});
