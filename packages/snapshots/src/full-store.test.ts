import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { openGround } from '../test/ground.ts';
import { pattern } from '../test/random-tree.ts';
import { createSnapshots } from './index.ts';
import { openSqliteSnapshotIndex } from './sqlite/index.ts';

const host = createLocalHost();

it('an index whose disk is full keeps what it has, says so, and goes on when there is room', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can mount a small disk');
  await using ground = await openGround();
  const { work, blobs } = ground;
  const disk = join(ground.path, 'disk');
  await mkdir(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', disk]);
  if (mounted.status !== 0) throw new Error(String(mounted.stderr));
  try {
    using index = openSqliteSnapshotIndex({ file: join(disk, 'index.sqlite') });
    const snapshots = createSnapshots({ index, blobs, encryption: 'plaintext' });
    await writeFile(join(work, 'file'), 'one');
    await snapshots.save(host, work, { task: 't' });
    await writeFile(join(disk, 'filler'), Buffer.alloc(1_000_000)).catch(() => undefined);
    const full = snapshots.save(host, work, { task: 't', labels: { long: 'x'.repeat(300_000) } });
    await expect(full).rejects.toMatchObject({ code: 'store-failed' });
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
    await rm(join(disk, 'filler'));
    await writeFile(join(work, 'file'), 'two');
    await snapshots.save(host, work, { task: 't' });
    expect(await snapshots.list('t')).toHaveLength(2);
  } finally {
    spawnSync('umount', ['-l', disk]);
  }
});

it('a store whose disk is full keeps what it has, and goes on when there is room', async (context) => {
  if (process.getuid?.() !== 0) context.skip('only root can mount a small disk');
  await using ground = await openGround();
  const { work, index } = ground;
  const disk = join(ground.path, 'disk');
  await mkdir(disk);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', disk]);
  if (mounted.status !== 0) throw new Error(String(mounted.stderr));
  try {
    const blobs = await openDirectoryBlobStore({ folder: join(disk, 'blobs') });
    const snapshots = createSnapshots({ index, blobs, encryption: 'plaintext' });
    await writeFile(join(work, 'file'), pattern(200_000, 1));
    await snapshots.save(host, work, { task: 't' });
    const before = await readdir(join(disk, 'blobs'), { recursive: true });
    await writeFile(join(work, 'large'), pattern(2_000_000, 2));
    await expect(snapshots.save(host, work, { task: 't' })).rejects.toMatchObject({
      code: 'store-failed',
      cause: { code: 'no-space' },
    });
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
    expect((await readdir(join(disk, 'blobs'), { recursive: true })).length).toBeLessThanOrEqual(
      before.length + 4,
    );
    await rm(join(work, 'large'));
    await writeFile(join(work, 'small'), pattern(1_000, 3));
    await snapshots.save(host, work, { task: 't' });
    expect(await snapshots.list('t')).toHaveLength(2);
  } finally {
    spawnSync('umount', [disk]);
  }
});
