import { mkdir, open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { hostPath } from '@seedbed/host';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Node, plant, removeTree, seen, temporaryFolder } from '../test/disk-tree.ts';
import { hostsUnderTest } from '../test/hosts-under-test.ts';
import { trees } from '../test/random-tree.ts';
import { createSnapshots, type Snapshots } from './index.ts';
import { CHUNK_BYTES } from './manifest/manifest.ts';
import { createMemorySnapshotIndex } from './testing/index.ts';

function snapshotsInMemory(): Snapshots {
  return createSnapshots({
    index: createMemorySnapshotIndex(),
    blobs: createMemoryBlobStore(),
    encryption: 'plaintext',
  });
}

const saving = { task: 't', exclude: [] };

describe.each(hostsUnderTest())('a snapshot $where', ({ where, host: open, exactTimes }) => {
  const numRuns = where === 'on this machine' ? 25 : 8;
  const look = (folder: string): Promise<ReadonlyMap<string, string>> => seen(folder, { times: exactTimes });

  it('brings back any tree, in an empty place and over another tree', {
    timeout: 240_000,
  }, async (context) => {
    const host = await open(context);
    await fc.assert(
      fc.asyncProperty(trees, trees, async (first, second) => {
        await using place = await temporaryFolder();
        const [work, again] = [join(place.path, 'work'), join(place.path, 'deep/again')];
        const snapshots = snapshotsInMemory();
        await plant(Buffer.from(work), first);
        const before = await look(work);
        const one = await snapshots.save(host, hostPath(work), saving);
        await removeTree(work);
        await plant(Buffer.from(work), second);
        const after = await look(work);
        const two = await snapshots.save(host, hostPath(work), saving);
        expect([one.unstable, two.unstable, one.leftOut, two.leftOut]).toEqual([[], [], [], []]);

        await snapshots.restore(host, hostPath(again), { task: 't', number: one.snapshot.number });
        expect(await look(again)).toEqual(before);
        await snapshots.restore(host, hostPath(again), { task: 't' });
        expect(await look(again)).toEqual(after);
        await snapshots.restore(host, hostPath(again), { task: 't', number: one.snapshot.number });
        expect(await look(again)).toEqual(before);
      }),
      { numRuns },
    );
  });

  it('of one tree has the same content ids, whoever makes it', { timeout: 120_000 }, async (context) => {
    const host = await open(context);
    await fc.assert(
      fc.asyncProperty(trees, async (tree) => {
        await using place = await temporaryFolder();
        const contents = async (name: string): Promise<unknown> => {
          const folder = join(place.path, name);
          await plant(Buffer.from(folder), tree);
          const snapshots = snapshotsInMemory();
          await snapshots.save(host, hostPath(folder), saving);
          const { entries } = await snapshots.show({ task: 't' });
          return entries.map((each) => (each.kind === 'file' ? [each.path, each.chunks, each.digest] : each));
        };
        expect(await contents('a')).toEqual(await contents('b'));
      }),
      { numRuns: 5 },
    );
  });

  it('has files as deep as a path can say, and files with holes', async (context) => {
    const host = await open(context);
    await using place = await temporaryFolder();
    const [work, again] = [join(place.path, 'work'), join(place.path, 'again')];
    let tree: Node = { kind: 'file', content: new Uint8Array(4), mode: 0o644, time: 1_000 };
    for (let level = 0; level < 180; level += 1)
      tree = { kind: 'directory', mode: 0o755, time: level, children: new Map([[`level-${level}`, tree]]) };
    await plant(Buffer.from(work), tree);
    const holes = await openFile(join(work, 'holes'), 'w');
    await holes.truncate(3 * CHUNK_BYTES + 5);
    await holes.write('x', 2 * CHUNK_BYTES);
    await holes.utimes(2_000, 2_000);
    await holes.close();
    const before = await look(work);
    const snapshots = snapshotsInMemory();
    await snapshots.save(host, hostPath(work), saving);
    await snapshots.restore(host, hostPath(again), { task: 't' });
    expect(await look(again)).toEqual(before);
  });

  it('can be of a folder without anything in it', async (context) => {
    const host = await open(context);
    await using place = await temporaryFolder();
    const [empty, again] = [join(place.path, 'empty'), join(place.path, 'again')];
    await mkdir(empty);
    const snapshots = snapshotsInMemory();
    await snapshots.save(host, hostPath(empty), saving);
    await snapshots.restore(host, hostPath(again), { task: 't' });
    expect(await look(again)).toEqual(new Map());
  });
});
