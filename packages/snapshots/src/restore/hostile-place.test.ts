import { spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError, hostPath, packEntries } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/disk-tree.ts';
import { type Ground, openGround } from '../../test/ground.ts';
import { hostsUnderTest } from '../../test/hosts-under-test.ts';
import { settleRestore } from '../index.ts';
import { restoreArchive } from './restore-archive.ts';

const host = createLocalHost();
const hosts = hostsUnderTest();
const task = 't';
const isRoot = process.getuid?.() === 0;
const note = JSON.stringify({ snapshot: 's', kept: [], times: [] });

/** A task's folder in one that everybody may write to, and the place beside it, planted there. */
async function openCommons(): Promise<Ground & { readonly place: string }> {
  const ground = await openGround();
  await chmod(ground.path, 0o1777);
  await writeFile(join(ground.path, 'work/own'), 'own');
  await ground.snapshots.save(host, ground.work, { task });
  return { ...ground, place: join(ground.path, '.seedbed-restore-work') };
}

async function expectRefusal(ground: Ground): Promise<void> {
  const refused = { name: 'SnapshotError', code: 'refused-entry' };
  await expect(settleRestore(host, ground.work)).rejects.toMatchObject(refused);
  await expect(ground.snapshots.save(host, ground.work, { task })).rejects.toMatchObject(refused);
  await expect(ground.snapshots.restore(host, ground.work, { task })).rejects.toMatchObject(refused);
  expect(await readFile(join(ground.path, 'work/own'), 'utf8')).toBe('own');
}

describe('the place of a restore in a folder that others may write to', () => {
  it('is not believed when another user has planted it', async (context) => {
    if (!isRoot) context.skip('only root can make what another user owns');
    await using ground = await openCommons();
    await mkdir(join(ground.place, 'tree'), { recursive: true });
    await writeFile(join(ground.place, 'ready.json'), note);
    for (const path of [ground.place, join(ground.place, 'tree')]) await chown(path, 65_534, 65_534);
    await expectRefusal(ground);
  });

  it('is not believed when others may write to it', async () => {
    await using ground = await openCommons();
    await mkdir(ground.place);
    await chmod(ground.place, 0o777);
    await expectRefusal(ground);
  });

  it('is taken up where it is our own', async () => {
    await using ground = await openCommons();
    await mkdir(join(ground.place, 'tree'), { recursive: true, mode: 0o700 });
    await writeFile(join(ground.place, 'ready.json'), note);
    expect(await settleRestore(host, ground.work)).toBe('finished');
    expect(await readdir(ground.work)).toEqual([]);
  });
});

it.each(['.seedbed-restore-work', '.seedbed-restore-work/tree', '.seedbed-restore-work/aside'])(
  'a link in the place of %s is not followed, and nothing becomes of the folder',
  async (name) => {
    await using ground = await openGround();
    await writeFile(join(ground.path, 'work/own'), 'own');
    await ground.snapshots.save(host, ground.work, { task });
    await mkdir(join(ground.path, 'elsewhere/tree'), { recursive: true });
    await writeFile(join(ground.path, 'elsewhere/ready.json'), note);
    if (name.includes('/')) {
      await mkdir(join(ground.path, '.seedbed-restore-work'));
      await writeFile(join(ground.path, '.seedbed-restore-work/ready.json'), note);
    }
    await symlink(join(ground.path, 'elsewhere'), join(ground.path, name));
    await expectRefusal(ground);
    expect((await readdir(join(ground.path, 'elsewhere'))).sort()).toEqual(['ready.json', 'tree']);
  },
);

const mounts = ['data', 'node_modules', 'node_modules/deep/a \\ b\nc'].flatMap((name) =>
  ['another file system', 'a folder of the same one'].map((what) => ({ name, what })),
);
it.for(mounts)('$what that is mounted at $name is not emptied', async ({ name, what }, context) => {
  if (!isRoot) context.skip('only root can mount');
  await using ground = await openGround();
  await writeFile(join(ground.path, 'work/own'), 'own');
  await ground.snapshots.save(host, ground.work, { task });
  const mount = join(ground.path, 'work', name);
  await mkdir(mount, { recursive: true });
  await using other = await temporaryFolder();
  const source = what === 'another file system' ? ['-t', 'tmpfs', 'none'] : ['--bind', other.path];
  const mounted = spawnSync('mount', [...source, mount]);
  if (mounted.status !== 0) throw new Error(String(mounted.stderr));
  try {
    await writeFile(join(mount, 'precious'), 'precious');
    const busy = { code: 'busy', message: expect.stringContaining(JSON.stringify(name)) };
    await expect(ground.snapshots.restore(host, ground.work, { task })).rejects.toMatchObject(busy);
    const archive = packEntries((async function* () {})());
    for (const through of hosts.slice(0, 2)) {
      const far = await through.host();
      const restoring = ground.snapshots.restore(far, ground.work, { task, keepExcluded: false });
      await expect(restoring, through.where).rejects.toMatchObject(busy);
    }
    await expect(restoreArchive(host, ground.work, { archive })).rejects.toMatchObject(busy);
    expect(await readFile(join(mount, 'precious'), 'utf8')).toBe('precious');
    expect(await readdir(ground.path)).toEqual(['work']);
  } finally {
    spawnSync('umount', [mount]);
  }
});

it('a folder that others are mounted in is refused before all of it is listed, and a link with the advice to follow it', async () => {
  await using ground = await openGround();
  await ground.snapshots.save(host, ground.work, { task });
  let started = 0;
  const counting: typeof host = {
    ...host,
    spawn: async (command, options) => {
      started += 1;
      return await host.spawn(command, options);
    },
  };
  const everything = ground.snapshots.restore(counting, hostPath('/'), { task });
  await expect(everything).rejects.toMatchObject({ code: 'busy' });
  expect(started).toBe(0);
  const link = hostPath(join(ground.path, 'link'));
  await symlink('work', link);
  await expect(ground.snapshots.restore(host, link, { task })).rejects.toMatchObject({
    code: 'not-a-directory',
    message: expect.stringContaining('the folder that it leads to'),
  });
});

it('does not wait for ever for what cannot be moved into a folder that may not be changed', async () => {
  await using ground = await openGround();
  await mkdir(join(ground.path, 'work/closed/node_modules'), { recursive: true });
  await ground.snapshots.save(host, ground.work, { task });
  // Stands for a folder of mode 0o500, which does not hold up root.
  const closed: typeof host = {
    ...host,
    async rename(from, to) {
      if (to.endsWith('closed/node_modules')) throw new HostError('permission-denied', 'No.');
      await host.rename(from, to);
    },
  };
  const { kept } = await ground.snapshots.restore(closed, hostPath(ground.work), { task });
  expect(kept).toEqual([]);
  expect(await readdir(ground.path)).toEqual(['work']);
});
