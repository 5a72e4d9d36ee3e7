import { randomBytes } from 'node:crypto';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStoreError, createKeyring } from '@seedbed/blob-store';
import { createMemoryBlobStore, type MemoryBlobOperation } from '@seedbed/blob-store/testing';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { type Ground, openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, type SnapshotIndex } from '../index.ts';

const host = createLocalHost();

/** A store in which one operation fails while it is told to. */
function failingStore(at: MemoryBlobOperation) {
  let isFailing = false;
  let running = 0;
  let most = 0;
  const blobs = createMemoryBlobStore({
    async faults(operation) {
      if (operation !== at) return undefined;
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return isFailing ? new BlobStoreError('unavailable', 'the cable was pulled') : undefined;
    },
  });
  return {
    blobs,
    mostAtOnce: () => most,
    async failing<T>(work: () => Promise<T>): Promise<T> {
      isFailing = true;
      return await work().finally(() => {
        isFailing = false;
      });
    },
  };
}

const [old, young] = [randomBytes(32), randomBytes(32)];
const before = createKeyring({ current: 'old', keys: { old } });
const both = createKeyring({ current: 'young', keys: { old, young } });
const after = createKeyring({ current: 'young', keys: { young } });

async function savedTwice({ path, work, index }: Ground, blobs: ReturnType<typeof createMemoryBlobStore>) {
  const open = (encryption: typeof before, at: SnapshotIndex = index) =>
    createSnapshots({ index: at, blobs, encryption });
  await writeFile(join(path, 'work/file'), pattern(100_000, 1));
  await open(before).save(host, work, { task: 't' });
  await appendFile(join(path, 'work/file'), 'more');
  await open(before).save(host, work, { task: 't' });
  return open;
}

describe('sealing anew', () => {
  it('has succeeded when only what is under the old key cannot be removed', async () => {
    await using ground = await openGround();
    const { blobs, failing } = failingStore('delete');
    const open = await savedTwice(ground, blobs);
    const resealed = await failing(() => open(both).reseal('t'));
    expect(resealed).toMatchObject({ cleanup: { code: 'store-failed' } });
    for (const number of [1, 2])
      expect(await open(after).verify({ task: 't', number })).toMatchObject({ damaged: [] });
    await open(both).prune('t');
    expect((await ground.index.read('t'))?.condemned).toEqual([]);
  });

  it('counts when the answer was lost and its update was sent again', async () => {
    await using ground = await openGround();
    const { blobs } = failingStore('delete');
    const open = await savedTwice(ground, blobs);
    const twice: SnapshotIndex = {
      ...ground.index,
      async write(head, expected, options) {
        await ground.index.write(head, expected, options);
        return await ground.index.write(head, expected, options);
      },
    };
    expect((await open(both, twice).reseal('t')).resealed).toBeGreaterThan(0);
    expect(await open(after).verify({ task: 't' })).toMatchObject({ damaged: [] });
  });

  it('leaves nothing behind when the store fails before it counts', async () => {
    await using ground = await openGround();
    const { blobs, failing } = failingStore('put');
    const open = await savedTwice(ground, blobs);
    const count = (await Array.fromAsync(blobs.list())).length;
    await expect(failing(() => open(both).reseal('t'))).rejects.toMatchObject({
      name: 'SnapshotError',
      code: 'store-failed',
    });
    expect(await Array.fromAsync(blobs.list())).toHaveLength(count);
  });
});

it.each([
  ['delete', 'delete'],
  ['prune', 'list'],
  ['remove', 'delete'],
  ['reseal', 'stat'],
  ['reseal', 'open'],
] as const)('%s says in the words of this package that the store does not %s', async (method, operation) => {
  await using ground = await openGround();
  const { blobs, failing } = failingStore(operation);
  const snapshots = (await savedTwice(ground, blobs))(both);
  const failure = { name: 'SnapshotError', code: 'store-failed' };
  await expect(
    failing<unknown>(() => (method === 'delete' ? snapshots.delete('t', 1) : snapshots[method]('t'))),
  ).rejects.toMatchObject(failure);
});

it('removes few blobs at once, however many a save that failed has stored', async () => {
  await using ground = await openGround();
  const { blobs, mostAtOnce } = failingStore('delete');
  const snapshots = createSnapshots({ index: ground.index, blobs, encryption: 'plaintext' });
  const records = async function* () {
    for (let at = 0; at < 20; at += 1)
      for (let piece = 0; piece < 4; piece += 1) yield new Uint8Array(randomBytes(1024 * 1024));
    throw new Error('no more');
  };
  await expect(snapshots.save(host, ground.work, { task: 't', records: { log: records() } })).rejects.toThrow(
    'no more',
  );
  expect(mostAtOnce()).toBeGreaterThan(1);
  expect(mostAtOnce()).toBeLessThanOrEqual(8);
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
});

it('leaves nothing of a put that was still on its way when the save failed', async () => {
  await using ground = await openGround();
  const turns = async (count: number): Promise<undefined> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return undefined;
  };
  const blobs = createMemoryBlobStore({
    faults: async (operation) => (operation === 'put-commit' ? await turns(500) : undefined),
  });
  const snapshots = createSnapshots({ index: ground.index, blobs, encryption: 'plaintext' });
  const records = async function* () {
    for (let piece = 0; piece < 12; piece += 1) yield new Uint8Array(randomBytes(1024 * 1024));
    throw new Error('no more');
  };
  await expect(snapshots.save(host, ground.work, { task: 't', records: { log: records() } })).rejects.toThrow(
    'no more',
  );
  await turns(2_000);
  expect(await Array.fromAsync(blobs.list())).toEqual([]);
});
