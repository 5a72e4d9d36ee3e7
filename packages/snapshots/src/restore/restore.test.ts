import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, HostError, type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { seen } from '../../test/disk-tree.ts';
import { type Ground, openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createChunkTable } from '../compact/chunk-table.ts';
import { createEntryList } from '../compact/entry-list.ts';
import { settleRestore } from '../index.ts';
import type { SnapshotEntry } from '../manifest/manifest.ts';
import { storeManifest } from '../manifest/stored-manifest.ts';
import { emptyHead } from '../task-head.ts';

const host = createLocalHost();
const task = 't';

async function fill(ground: Ground, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  const work = join(ground.path, 'work');
  await rm(work, { recursive: true, force: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(work, name, '..'), { recursive: true });
    await writeFile(join(work, name), content);
  }
}

const trees = {
  old: {
    'a/one': 'old one',
    'a/two': pattern(50_000, 1),
    same: pattern(30_000, 2),
    'node_modules/m': 'module',
  },
  new: {
    'a/one': 'new one',
    'b/three': pattern(40_000, 3),
    same: pattern(30_000, 2),
    'node_modules/m': 'module',
  },
};

/** Snapshots of two trees; the folder is the old one. */
async function openTwoTrees(): Promise<Ground & { readonly before: unknown; readonly wanted: unknown }> {
  const ground = await openGround();
  await fill(ground, trees.new);
  const wanted = await seen(ground.work);
  await ground.snapshots.save(host, ground.work, { task });
  await fill(ground, trees.old);
  return { ...ground, wanted, before: await seen(ground.work) };
}

const contentsOf = (tree: unknown): readonly string[] =>
  [...(tree as ReadonlyMap<string, string>)].map(([path, facts]) =>
    facts.startsWith('dir') ? path : `${path} ${facts.slice(facts.lastIndexOf(' '))}`,
  );

describe('a restore', () => {
  it('fetches what is not there, keeps what is right, and says so', async () => {
    await using ground = await openTwoTrees();
    const phases = new Set<string>();
    const restored = await ground.snapshots.restore(host, ground.work, {
      task,
      onProgress: ({ phase }) => void phases.add(phase),
    });
    expect(restored).toMatchObject({
      reusedBytes: 0,
      fetchedBytes: 70_007,
      kept: ['node_modules'],
      settled: 'clean',
    });
    expect([...phases]).toEqual(['comparing', 'fetching', 'checking', 'exchanging', 'restored']);
    expect(contentsOf(await seen(ground.work))).toEqual(contentsOf(ground.wanted));
    const again = await ground.snapshots.restore(host, ground.work, { task });
    expect(again).toMatchObject({ reusedBytes: 70_007, fetchedBytes: 0 });
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('leaves nothing of what the snapshot leaves out when it is told so', async () => {
    await using ground = await openTwoTrees();
    await ground.snapshots.restore(host, ground.work, { task, keepExcluded: false });
    expect([...(await seen(ground.work)).keys()]).toEqual(['/a', '/a/one', '/b', '/b/three', '/same']);
  });

  it('follows no link that stands in the place of a folder', async () => {
    await using ground = await openTwoTrees();
    await mkdir(join(ground.path, 'outside'));
    await writeFile(join(ground.path, 'outside/one'), 'outside');
    await rm(join(ground.work, 'a'), { recursive: true });
    await symlink('../outside', join(ground.work, 'a'));
    await symlink('../outside', join(ground.work, 'b'));
    await ground.snapshots.restore(host, ground.work, { task });
    expect(contentsOf(await seen(ground.work))).toEqual(contentsOf(ground.wanted));
    expect(await readdir(join(ground.path, 'outside'))).toEqual(['one']);
    expect(await readFile(join(ground.path, 'outside/one'), 'utf8')).toBe('outside');
  });

  it('is read by the next save as what it was: nothing has to be sent', async () => {
    await using ground = await openTwoTrees();
    await ground.snapshots.restore(host, ground.work, { task });
    const { progress } = await ground.snapshots.save(host, ground.work, { task });
    expect(progress).toMatchObject({ readBytes: 0, storedBytes: 0 });
  });

  it('does not change where the snapshot was saved', async () => {
    await using ground = await openTwoTrees();
    const elsewhere: Host = { ...host, label: 'another' };
    for (let times = 0; times < 2; times += 1) {
      const restored = await ground.snapshots.restore(elsewhere, ground.work, { task });
      expect(restored.host.label).toBe(host.label);
      expect((await ground.snapshots.show({ task })).host.label).toBe(host.label);
    }
    const { snapshot } = await ground.snapshots.save(elsewhere, ground.work, { task });
    expect(snapshot.host).toBe('another');
    expect((await ground.snapshots.show({ task })).host.label).toBe('another');
  });
});

describe('what leaves the folder as it was', () => {
  it.each(['a flipped bit', 'a pack that is gone', 'a pack that is cut'])('%s', async (damage) => {
    await using ground = await openTwoTrees();
    const [row] = await ground.snapshots.list(task);
    const pack = row?.packs[0]?.blob;
    if (pack === undefined) throw new Error('There is no pack.');
    const bytes = Uint8Array.from(ground.blobs.bytesOf(pack));
    if (damage === 'a pack that is gone') await ground.blobs.delete(pack);
    else if (damage === 'a pack that is cut') ground.blobs.replaceBytes(pack, bytes.subarray(0, 1_000));
    else ground.blobs.replaceBytes(pack, bytes.fill((bytes[45_000] ?? 0) ^ 1, 45_000, 45_001));
    await expect(ground.snapshots.restore(host, ground.work, { task })).rejects.toMatchObject({
      code: 'damaged',
    });
    expect(await seen(ground.work)).toEqual(ground.before);
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('a caller who gives up', async () => {
    await using ground = await openTwoTrees();
    const stop = new AbortController();
    const restoring = ground.snapshots.restore(host, ground.work, {
      task,
      signal: stop.signal,
      onProgress: ({ phase }) => phase === 'checking' && stop.abort(),
    });
    await expect(restoring).rejects.toMatchObject({ code: 'aborted' });
    expect(await seen(ground.work)).toEqual(ground.before);
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('a disk that has no room for the note that all is ready', async () => {
    await using ground = await openTwoTrees();
    const full: Host = {
      ...host,
      writeFile: (path) => Promise.reject(new HostError('no-space', `There is no room for ${path}.`)),
    };
    await expect(ground.snapshots.restore(full, ground.work, { task })).rejects.toMatchObject({
      code: 'no-space',
    });
    expect(await seen(ground.work)).toEqual(ground.before);
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('a disk that is full', async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can mount a small disk');
    await using ground = await openGround();
    const disk = join(ground.path, 'disk');
    await mkdir(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'none', disk]);
    if (mounted.status !== 0) throw new Error(String(mounted.stderr));
    try {
      await fill(ground, { file: pattern(900_000, 1) });
      await ground.snapshots.save(host, ground.work, { task });
      await mkdir(join(disk, 'work'));
      await writeFile(join(disk, 'work/kept'), 'kept');
      const folder = hostPath(join(disk, 'work'));
      await expect(ground.snapshots.restore(host, folder, { task })).rejects.toMatchObject({
        code: 'no-space',
      });
      expect(await readFile(join(disk, 'work/kept'), 'utf8')).toBe('kept');
      expect(await readdir(disk)).toEqual(['work']);
      // The root of a disk cannot be moved aside.
      const root = hostPath(disk);
      await fill(ground, { file: 'small' });
      await ground.snapshots.save(host, ground.work, { task });
      await expect(ground.snapshots.restore(host, root, { task })).rejects.toMatchObject({
        code: 'busy',
        message: expect.stringContaining('Restore to a folder in it'),
      });
      expect(await readdir(disk)).toEqual(['work']);
      expect((await readdir(ground.path)).sort()).toEqual(['disk', 'work']);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

/** Stands for a program that is killed: after so many operations nothing reaches the host any more. */
function dyingHost(operations: number): { readonly host: Host; readonly died: () => boolean } {
  let left = operations;
  const dead = (): never => {
    throw new HostError('host-lost', 'The program was killed.');
  };
  const alive =
    <Args extends readonly unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      left -= 1;
      if (left < 0) dead();
      return await work(...args);
    };
  const { makeDirectory, writeFile: write, rename, remove, setModified, setMode, link, spawn } = host;
  return {
    died: () => left < 0,
    host: {
      ...host,
      makeDirectory: alive(makeDirectory),
      writeFile: alive(write),
      rename: alive(rename),
      remove: alive(remove),
      setModified: alive(setModified),
      setMode: alive(setMode),
      link: alive(link),
      spawn: alive(spawn),
    },
  };
}

describe('a program that is killed while it restores', () => {
  it('leaves the folder as it was or as it is to be, and the next one finishes', {
    timeout: 120_000,
  }, async () => {
    const endings = new Set<string>();
    for (let operations = 0; ; operations += 1) {
      await using ground = await openTwoTrees();
      const { host: dying, died } = dyingHost(operations);
      await ground
        .anew()
        .restore(dying, ground.work, { task })
        .catch((failure: unknown) => {
          if (!(failure instanceof HostError) && !died()) throw failure;
        });
      endings.add(await settleRestore(host, ground.work));
      const found = contentsOf(await seen(ground.work));
      const isOld = found.join() === contentsOf(ground.before).join();
      const isNew = found.join() === contentsOf(ground.wanted).join();
      expect(isOld || isNew, `after ${operations} operations: ${found}`).toBe(true);
      expect(await readdir(ground.path)).toEqual(['work']);
      await ground.anew().restore(host, ground.work, { task });
      expect(contentsOf(await seen(ground.work))).toEqual(contentsOf(ground.wanted));
      if (!died()) break;
    }
    expect([...endings].sort()).toEqual(['clean', 'discarded', 'finished']);
  });

  it('is finished by the next one where the note is there and its answer was lost', async () => {
    await using ground = await openTwoTrees();
    const lost: Host = {
      ...host,
      async writeFile(...note) {
        await host.writeFile(...note);
        throw new HostError('host-lost', 'The answer was lost.');
      },
    };
    await expect(ground.snapshots.restore(lost, ground.work, { task })).rejects.toMatchObject({
      code: 'host-lost',
    });
    expect(await seen(ground.work)).toEqual(ground.before);
    expect(await settleRestore(host, ground.work)).toBe('finished');
    expect(contentsOf(await seen(ground.work))).toEqual(contentsOf(ground.wanted));
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('does not let a save take what it has left', async () => {
    await using ground = await openTwoTrees();
    await mkdir(join(ground.path, '.seedbed-restore-work/tree'), { recursive: true });
    await ground.snapshots.save(host, ground.work, { task });
    expect(await readdir(ground.path)).toEqual(['work']);
  });

  it('cannot be impersonated by a note that leads elsewhere', async () => {
    await using ground = await openTwoTrees();
    const container = join(ground.path, '.seedbed-restore-work');
    await mkdir(join(container, 'aside'), { recursive: true });
    const note = { snapshot: 's', kept: ['../../victim'], times: [] };
    await writeFile(join(container, 'ready.json'), JSON.stringify(note));
    await expect(settleRestore(host, ground.work)).rejects.toMatchObject({ code: 'refused-entry' });
    await writeFile(join(container, 'ready.json'), 'no note');
    await expect(settleRestore(host, ground.work)).rejects.toMatchObject({ code: 'refused-entry' });
  });
});

const plain = {
  kind: 'file',
  mode: 0o644,
  modifiedMs: 0,
  size: 0,
  chunks: [],
  identity: '1:1',
  changedMs: 0,
} as const;
const empty = { ...plain, digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' };
const folder = (path: string): SnapshotEntry => ({ kind: 'directory', path, mode: 0o755, modifiedMs: 0 });
const link = (path: string, target: string): SnapshotEntry => ({
  kind: 'symlink',
  path,
  target,
  modifiedMs: 0,
});

describe('a manifest that somebody else has written', () => {
  it.each<readonly [string, readonly SnapshotEntry[], string]>([
    ['a path that climbs', [{ ...empty, path: '../escaped' }], 'refused-entry'],
    ['a path that climbs further on', [folder('a'), { ...empty, path: 'a/../../escaped' }], 'refused-entry'],
    ['an absolute path', [{ ...empty, path: '/escaped' }], 'refused-entry'],
    ['the folder itself', [{ ...empty, path: '.' }], 'refused-entry'],
    ['a path with a NUL', [{ ...empty, path: 'a\0b' }], 'refused-entry'],
    ['something below a link', [link('a', '..'), { ...empty, path: 'a/escaped' }], 'refused-entry'],
    [
      'something below a file',
      [
        { ...empty, path: 'a' },
        { ...empty, path: 'a/b' },
      ],
      'refused-entry',
    ],
    ['two in one place', [{ ...empty, path: 'a' }, link('a', '..')], 'refused-entry'],
    ['a name of a file that is none', [{ kind: 'hard-link', path: 'a', target: '../work' }], 'refused-entry'],
    ['setuid bits', [{ ...empty, path: 'a', mode: 0o4755 }], 'damaged'],
    ['a file that is longer than its content', [{ ...empty, path: 'a', size: 5 }], 'damaged'],
    ['a digest of other content', [{ ...empty, path: 'a', digest: 'ab'.repeat(32) }], 'damaged'],
  ])('is refused for %s, and nothing is changed', async (_, entries, code) => {
    await using ground = await openGround();
    await fill(ground, trees.old);
    const before = await seen(ground.work);
    const list = createEntryList();
    for (const entry of entries) list.add(entry);
    const id = ground.blobs.createId();
    const facts = { task, number: 1, createdMs: 0, endState: 'done', labels: {}, facts: null } as const;
    const host1 = { label: 'local', os: 'linux', arch: 'x64' };
    const { blob, digest } = await storeManifest(
      ground.blobs,
      {
        ...{ ...facts, host: host1, exclude: [], leftOut: [], newestChangeMs: 0, listedMs: 0, settledMs: 0 },
        ...{ entries: list, records: [], chunks: createChunkTable() },
      },
      { id, labels: {} },
    );
    const row = {
      number: 1,
      saveId: 's',
      createdMs: 0,
      endState: 'done',
      labels: {},
      host: 'local',
    } as const;
    await ground.index.write(
      {
        ...{ ...emptyHead(task), revision: 1, nextNumber: 2 },
        snapshots: [{ ...row, entries: 1, bytes: 0, manifest: blob, manifestDigest: digest, packs: [] }],
      },
      0,
    );
    await expect(ground.snapshots.restore(host, ground.work, { task })).rejects.toMatchObject({ code });
    expect(await seen(ground.work)).toEqual(before);
    expect(await readdir(ground.path)).toEqual(['work']);
  });
});

it('takes a name as long as a host takes for its folder', async () => {
  await using ground = await openGround();
  await fill(ground, trees.new);
  await ground.snapshots.save(host, ground.work, { task });
  const long: HostPath = hostPath(join(ground.path, 'n'.repeat(255)));
  await ground.snapshots.restore(host, long, { task });
  await ground.snapshots.restore(host, long, { task });
  expect((await readdir(ground.path)).sort()).toEqual(['n'.repeat(255), 'work']);
});
