import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BlobStoreError, createKeyring } from '@seedbed/blob-store';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, type Snapshots } from '../index.ts';

const host = createLocalHost();
const task = 't';
const PACKS = 20;

it('a store that has gone away is asked to delete a few blobs, and not each of many', async () => {
  await using ground = await openGround();
  const { index, work } = ground;
  let puts = Number.POSITIVE_INFINITY;
  let deletes = 0;
  const blobs = createMemoryBlobStore({
    faults(operation) {
      if (operation === 'put') puts -= 1;
      if (puts >= 0) return undefined;
      if (operation === 'delete') deletes += 1;
      return new BlobStoreError('unavailable', 'The store does not answer.');
    },
  });
  const keys = { old: randomBytes(32), young: randomBytes(32) };
  const open = (current: keyof typeof keys): Snapshots =>
    createSnapshots({ index, blobs, encryption: createKeyring({ current, keys }) });
  for (let at = 0; at < PACKS; at += 1) {
    await writeFile(join(work, `file-${at}`), pattern(1_000, at));
    await open('old').save(host, work, { task, keep: 1 });
  }
  puts = PACKS;
  await expect(open('young').reseal(task)).rejects.toMatchObject({ code: 'store-failed' });
  expect(deletes).toBeGreaterThan(0);
  expect(deletes).toBeLessThanOrEqual(8);
  puts = Number.POSITIVE_INFINITY;
  expect(await open('young').prune(task, { orphansAfterMs: -60_000 })).toEqual({ removed: [], blobs: PACKS });
  expect(await open('young').verify({ task })).toMatchObject({ damaged: [] });
});
