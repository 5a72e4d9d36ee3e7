import { randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, createKeyring } from '@seedbed/blob-store';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import { type HostPath, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/disk-tree.ts';
import { openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, type Snapshots } from '../index.ts';
import { createMemorySnapshotIndex } from '../testing/index.ts';

const host = createLocalHost();
const task = 't';
const keys = { old: randomBytes(32), young: randomBytes(32) };
const keyring = {
  old: createKeyring({ current: 'old', keys }),
  young: createKeyring({ current: 'young', keys }),
};

type Reading = (snapshots: Snapshots, work: HostPath) => Promise<unknown>;

/** What reads a snapshot, and what it gives of one that is whole. */
const ofManifest: readonly (readonly [string, Reading])[] = [
  ['shown', async (snapshots) => (await snapshots.show({ task, number: 1 })).entries.length],
  [
    'compared',
    async (snapshots) => 1 + (await snapshots.diff({ task, number: 1 }, { task, number: 1 })).added.length,
  ],
];
const ofContent: readonly (readonly [string, Reading])[] = [
  [
    'read from a record',
    async (snapshots) => {
      const stream = await snapshots.openRecord({ task, number: 1 }, 'log');
      return Buffer.from(
        await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).bytes(),
      ).equals(pattern(5_000_000, 2))
        ? 1
        : 'other bytes';
    },
  ],
  [
    'restored',
    async (snapshots, work) => {
      await rm(join(work, 'file'));
      await snapshots.restore(host, work, { task, number: 1 });
      return (await readFile(join(work, 'file'))).equals(pattern(1_000, 1)) ? 1 : 'other bytes';
    },
  ],
  ['verified', async (snapshots) => 1 + (await snapshots.verify({ task, number: 1 })).damaged.length],
];

/** A snapshot at whose n-th opened blob, from when it is armed, somebody does something. */
async function openSnapshot() {
  const ground = await openGround();
  let due: { readonly at: number; readonly deed: (snapshots: Snapshots) => Promise<unknown> } | undefined;
  let opens = 0;
  const index = createMemorySnapshotIndex();
  const open = (current: keyof typeof keyring): Snapshots =>
    createSnapshots({ index, blobs, encryption: keyring[current] });
  const blobs = createMemoryBlobStore({
    async faults(operation) {
      if (due === undefined || operation !== 'open') return undefined;
      opens += 1;
      if (opens <= due.at) return undefined;
      const { deed } = due;
      due = undefined;
      await deed(open('young'));
      return undefined;
    },
  });
  await writeFile(join(ground.work, 'file'), pattern(1_000, 1));
  await open('old').save(host, ground.work, { task, records: { log: pattern(5_000_000, 2) } });
  await open('old').save(host, ground.work, { task });
  return {
    blobs,
    work: ground.work,
    snapshots: open('old'),
    arm(at: number, deed: (snapshots: Snapshots) => Promise<unknown>): void {
      due = { at, deed };
    },
    isDone: () => due === undefined,
    [Symbol.asyncDispose]: () => ground[Symbol.asyncDispose](),
  };
}

describe.each([
  ['its manifest', 0, [...ofManifest, ...ofContent]],
  ['its content', 1, ofContent],
] as const)('a snapshot that is changed when %s is about to be read', (_, at, readings) => {
  it.each(readings)('is whole where it was sealed anew while it is %s', async (__, reading) => {
    await using ground = await openSnapshot();
    ground.arm(at, (snapshots) => snapshots.reseal(task));
    expect(await reading(ground.snapshots, ground.work)).toBe(1);
    expect(ground.isDone()).toBe(true);
  });

  it.each(readings)('is not there where it was deleted while it is %s', async (__, reading) => {
    await using ground = await openSnapshot();
    ground.arm(at, (snapshots) => snapshots.delete(task, 1));
    await expect(reading(ground.snapshots, ground.work)).rejects.toMatchObject({ code: 'not-found' });
    expect(ground.isDone()).toBe(true);
  });
});

it('the latest snapshot is the latest of now where a save has taken its place', async () => {
  await using ground = await openSnapshot();
  ground.arm(0, (snapshots) => snapshots.save(host, ground.work, { task, keep: 1 }));
  expect((await ground.snapshots.show({ task })).snapshot.number).toBe(3);
});

it('a snapshot is damaged where it is still there as it was read', async () => {
  await using ground = await openSnapshot();
  const packs = new Set<BlobId>();
  for (const row of await ground.snapshots.list(task)) for (const { blob } of row.packs) packs.add(blob);
  for (const blob of packs) await ground.blobs.delete(blob);
  expect((await ground.snapshots.verify({ task, number: 1 })).damaged).toEqual(['file', 'record log']);
  await using elsewhere = await temporaryFolder();
  const target = hostPath(join(elsewhere.path, 'target'));
  await expect(ground.snapshots.restore(host, target, { task, number: 1 })).rejects.toMatchObject({
    code: 'damaged',
  });
});
