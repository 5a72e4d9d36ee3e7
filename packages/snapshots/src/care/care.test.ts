import { randomBytes } from 'node:crypto';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BlobId, BlobStoreError, createKeyring } from '@seedbed/blob-store';
import { createMemoryBlobStore } from '@seedbed/blob-store/testing';
import type { HostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, it } from 'vitest';
import { type Ground, openGround } from '../../test/ground.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, type SnapshotIndex, type Snapshots } from '../index.ts';
import { createMemorySnapshotIndex } from '../testing/index.ts';

const host = createLocalHost();

async function put(ground: Ground, name: string, bytes: string | Uint8Array): Promise<void> {
  await writeFile(join(ground.path, 'work', name), bytes);
}

async function blobsOf({ blobs }: Ground): Promise<readonly BlobId[]> {
  return (await Array.fromAsync(blobs.list())).map(({ id }) => id);
}

describe('retention', () => {
  it('keeps the last five unless it is told otherwise, and frees what the others needed alone', async () => {
    await using ground = await openGround();
    const { snapshots, work } = ground;
    for (let at = 1; at <= 8; at += 1) {
      await put(ground, 'file', pattern(100_000, at));
      await snapshots.save(host, work, { task: 't' });
    }
    const rows = await snapshots.list('t');
    expect(rows.map(({ number }) => number)).toEqual([4, 5, 6, 7, 8]);
    expect(await blobsOf(ground)).toHaveLength(10);
    for (const { number } of rows)
      expect((await snapshots.verify({ task: 't', number })).damaged).toEqual([]);
    await snapshots.prune('t', { keep: 2 });
    expect((await snapshots.list('t')).map(({ number }) => number)).toEqual([7, 8]);
    expect(await blobsOf(ground)).toHaveLength(4);
  });

  it('deletes one snapshot and leaves what the others share with it', async () => {
    await using ground = await openGround();
    const { snapshots, work } = ground;
    await put(ground, 'shared', pattern(50_000, 1));
    await snapshots.save(host, work, { task: 't' });
    await put(ground, 'own', pattern(50_000, 2));
    await snapshots.save(host, work, { task: 't' });
    await snapshots.delete('t', 1);
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ chunks: 2, damaged: [] });
    await expect(snapshots.show({ task: 't', number: 1 })).rejects.toMatchObject({ code: 'not-found' });
    await snapshots.remove('t');
    expect(await blobsOf(ground)).toEqual([]);
    expect(await Array.fromAsync(snapshots.tasks())).toEqual([]);
    await snapshots.remove('t');
  });

  it('packs anew what is left of packs that are mostly of no use, and many small ones', async () => {
    await using ground = await openGround();
    const { snapshots, work } = ground;
    for (let at = 0; at < 60; at += 1) {
      await put(ground, `file-${at}`, pattern(2_000, at));
      await snapshots.save(host, work, { task: 't', keep: 1 });
    }
    const [row] = await snapshots.list('t');
    expect(row?.packs.length).toBeLessThan(30);
    for (let at = 0; at < 50; at += 1) await rm(join(ground.path, 'work', `file-${at}`));
    await snapshots.save(host, work, { task: 't', keep: 1 });
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ chunks: 10, damaged: [] });
    expect(await blobsOf(ground)).toHaveLength(1 + ((await snapshots.list('t'))[0]?.packs.length ?? 0));
  });
});

/** An index on which something happens before a write. */
function indexThat(index: SnapshotIndex, happens: () => Promise<void>): SnapshotIndex {
  let pending: (() => Promise<void>) | undefined = happens;
  return {
    ...index,
    async write(head, expected, options) {
      const work = pending;
      pending = undefined;
      await work?.();
      return await index.write(head, expected, options);
    },
  };
}

describe('somebody else at the same task', () => {
  it('makes one of two saves fail, which says so and leaves nothing', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    await put(ground, 'file', 'x');
    const racing = indexThat(index, async () => void (await ground.anew().save(host, work, { task: 't' })));
    const loser = createSnapshots({ index: racing, blobs, encryption: 'plaintext' });
    await put(ground, 'file', pattern(1_000, 2));
    await expect(loser.save(host, work, { task: 't' })).rejects.toMatchObject({ code: 'conflict' });
    expect(await ground.snapshots.list('t')).toHaveLength(1);
    expect(await blobsOf(ground)).toHaveLength(2);
    expect(await ground.snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });

  it('may prune while a save runs', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    for (let at = 0; at < 4; at += 1) {
      await put(ground, 'file', pattern(1_000, at));
      await ground.snapshots.save(host, work, { task: 't' });
    }
    const racing = indexThat(index, async () => void (await ground.anew().prune('t', { keep: 1 })));
    await put(ground, 'another', 'y');
    const { snapshot } = await createSnapshots({ index: racing, blobs, encryption: 'plaintext' }).save(
      host,
      work,
      { task: 't' },
    );
    expect((await ground.snapshots.list('t')).map(({ number }) => number)).toEqual([4, snapshot.number]);
    for (const { number } of await ground.snapshots.list('t'))
      expect((await ground.snapshots.verify({ task: 't', number })).damaged).toEqual([]);
  });

  it('makes a save fail when it removes what the save builds on', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    await put(ground, 'file', pattern(1_000, 1));
    await ground.snapshots.save(host, work, { task: 't' });
    const racing = indexThat(index, async () => void (await ground.anew().delete('t', 1)));
    const saving = createSnapshots({ index: racing, blobs, encryption: 'plaintext' }).save(host, work, {
      task: 't',
    });
    await expect(saving).rejects.toMatchObject({ code: 'conflict' });
    expect(await blobsOf(ground)).toEqual([]);
    await ground.anew().save(host, work, { task: 't' });
    expect(await ground.snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });

  it('makes a first save fail when it removes the task, however it came to be', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    await put(ground, 'file', pattern(1_000, 1));
    const racing = indexThat(index, async () => {
      const other = ground.anew();
      await other.save(host, work, { task: 't' });
      await other.remove('t');
    });
    const saving = createSnapshots({ index: racing, blobs, encryption: 'plaintext' }).save(host, work, {
      task: 't',
    });
    await expect(saving).rejects.toMatchObject({ code: 'conflict' });
    expect(await ground.snapshots.list('t')).toEqual([]);
    expect(await Array.fromAsync(ground.snapshots.tasks())).toEqual([]);
    await ground.anew().save(host, work, { task: 't' });
    expect(await ground.snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });

  it.each([
    ['a first save', false],
    ['a save of which all is new', true],
  ])('makes %s fail when it removes the task before anything of it is stored', async (_, isSaved) => {
    await using ground = await openGround();
    const { work, snapshots } = ground;
    await put(ground, 'file', 'x');
    if (isSaved) await snapshots.save(host, work, { task: 't' });
    await put(ground, 'file', pattern(1_000, 1));
    const log = ReadableStream.from(
      (async function* () {
        await ground.anew().remove('t');
        yield pattern(100, 2);
      })(),
    );
    const saving = snapshots.save(host, work, { task: 't', records: { log } });
    await expect(saving).rejects.toMatchObject({ code: 'conflict' });
    expect(await snapshots.list('t')).toEqual([]);
    expect(await Array.fromAsync(snapshots.tasks())).toEqual([]);
    expect(await blobsOf(ground)).toEqual([]);
    await snapshots.save(host, work, { task: 't' });
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });

  it('keeps what it has built on a save that counted without an answer, and was taken away since', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    await put(ground, 'file', pattern(1_000, 1));
    let isLost = true;
    const unheard: SnapshotIndex = {
      ...index,
      async write(head, expected, options) {
        const isWritten = await index.write(head, expected, options);
        if (!isLost) return isWritten;
        isLost = false;
        await ground.anew().save(host, work, { task: 't', keep: 1 });
        // As where an update is sent again, and finds its own work done.
        return false;
      },
    };
    const saving = createSnapshots({ index: unheard, blobs, encryption: 'plaintext' }).save(host, work, {
      task: 't',
    });
    await expect(saving).rejects.toMatchObject({ code: 'conflict' });
    expect(await ground.anew().verify({ task: 't' })).toMatchObject({ chunks: 1, damaged: [] });
  });

  it('may sweep away what a slow save has stored: the save notices', async () => {
    await using ground = await openGround();
    const { work, blobs, index } = ground;
    await put(ground, 'first', 'x');
    await ground.snapshots.save(host, work, { task: 't' });
    await put(ground, 'file', pattern(1_000, 1));
    const racing = indexThat(
      index,
      async () => void (await ground.anew().prune('t', { orphansAfterMs: -60_000 })),
    );
    const saving = createSnapshots({ index: racing, blobs, encryption: 'plaintext' }).save(host, work, {
      task: 't',
    });
    await expect(saving).rejects.toMatchObject({ code: 'conflict' });
    expect(await ground.snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });
});

it('counts a save whose answer was lost', async () => {
  await using ground = await openGround();
  const { work, blobs } = ground;
  await put(ground, 'file', 'x');
  let isLost = true;
  const index = createMemorySnapshotIndex({
    onWritten() {
      const lost = isLost;
      isLost = false;
      if (lost) throw Object.assign(new Error('the answer was lost'), {});
    },
  });
  const unsure: SnapshotIndex = {
    ...index,
    async write(head, expected) {
      try {
        return await index.write(head, expected);
      } catch (cause) {
        const { SnapshotError } = await import('../index.ts');
        throw new SnapshotError('store-failed', 'The store did not answer.', { cause });
      }
    },
  };
  const snapshots = createSnapshots({ index: unsure, blobs, encryption: 'plaintext' });
  await snapshots.save(host, work, { task: 't' });
  expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  expect(await snapshots.list('t')).toHaveLength(1);
});

it('keeps what it has stored when nobody can say whether the save counts', async () => {
  await using ground = await openGround();
  const { work, blobs } = ground;
  await put(ground, 'file', 'x');
  const { SnapshotError } = await import('../index.ts');
  let isDown = false;
  const memory = createMemorySnapshotIndex({
    onOperation() {
      if (isDown) throw new SnapshotError('store-failed', 'The store does not answer.');
    },
    onWritten() {
      isDown = true;
      throw new SnapshotError('store-failed', 'The answer was lost.');
    },
  });
  const snapshots = createSnapshots({ index: memory, blobs, encryption: 'plaintext' });
  await expect(snapshots.save(host, work, { task: 't' })).rejects.toMatchObject({ code: 'store-failed' });
  isDown = false;
  expect(await snapshots.list('t')).toHaveLength(1);
  expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
});

describe('what a killed save has left', () => {
  it('is swept when it is old, and never what counts', async () => {
    await using ground = await openGround();
    const { work, blobs, snapshots } = ground;
    await put(ground, 'file', pattern(1_000, 1));
    await snapshots.save(host, work, { task: 't' });
    await blobs.put(pattern(100, 7), { labels: { task: 't' } });
    await blobs.put(pattern(100, 8), { labels: { task: 'another' } });
    await blobs.put(pattern(100, 9), { labels: { task: 'never saved' } });
    expect(await snapshots.prune('never saved', { orphansAfterMs: -1_000 })).toEqual({
      removed: [],
      blobs: 1,
    });
    expect(await snapshots.prune('t')).toEqual({ removed: [], blobs: 0 });
    expect(await snapshots.prune('t', { orphansAfterMs: -1_000 })).toEqual({ removed: [], blobs: 1 });
    expect(await blobsOf(ground)).toHaveLength(3);
    expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
  });
});

describe('a snapshot that is damaged', () => {
  it('is told by its files when it is verified, whatever became of its packs', async () => {
    await using ground = await openGround();
    const { work, blobs, snapshots } = ground;
    for (let at = 0; at < 20; at += 1) await put(ground, `file-${at}`, pattern(5_000, at));
    const { snapshot } = await snapshots.save(host, work, { task: 't', records: { log: pattern(300, 99) } });
    const pack = snapshot.packs[0]?.blob;
    if (pack === undefined) throw new Error('It has no pack.');
    const bytes = Uint8Array.from(blobs.bytesOf(pack));
    const flipped = Uint8Array.from(bytes);
    flipped[7_000] = (flipped[7_000] ?? 0) ^ 1;
    blobs.replaceBytes(pack, flipped);
    const { damaged } = await snapshots.verify({ task: 't' });
    expect(damaged).toHaveLength(1);
    blobs.replaceBytes(pack, bytes.subarray(0, 50_500));
    expect((await snapshots.verify({ task: 't' })).damaged).toContain('record log');
    await blobs.delete(pack);
    expect((await snapshots.verify({ task: 't' })).damaged).toHaveLength(21);
  });

  it('says so when its manifest is cut, changed or gone', async () => {
    await using ground = await openGround();
    const { work, blobs, snapshots } = ground;
    await put(ground, 'file', 'x');
    const { snapshot } = await snapshots.save(host, work, { task: 't' });
    const bytes = Uint8Array.from(blobs.bytesOf(snapshot.manifest));
    const other = await snapshots.save(host, work, { task: 'other' });
    for (const damage of [
      bytes.subarray(0, bytes.length - 4),
      blobs.bytesOf(other.snapshot.manifest),
      pattern(90, 1),
    ]) {
      blobs.replaceBytes(snapshot.manifest, damage);
      await expect(ground.anew().show({ task: 't' })).rejects.toMatchObject({ code: 'damaged' });
      await expect(ground.anew().save(host, work, { task: 't' })).rejects.toMatchObject({ code: 'damaged' });
    }
    await blobs.delete(snapshot.manifest);
    await expect(ground.anew().show({ task: 't' })).rejects.toMatchObject({ code: 'damaged' });
  });
});

describe('encryption', () => {
  const [old, young] = [randomBytes(32), randomBytes(32)];
  const before = createKeyring({ current: 'old', keys: { old } });
  const both = createKeyring({ current: 'young', keys: { old, young } });
  const after = createKeyring({ current: 'young', keys: { young } });
  const wrong = createKeyring({ current: 'old', keys: { old: young } });

  it('leaves nothing of files, names and facts to be read', async () => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    await put(ground, 'secret-name', 'secret-content'.repeat(100));
    const snapshots = createSnapshots({ index, blobs, encryption: before });
    await snapshots.save(host, work, {
      ...{ task: 't', facts: { thread: 'secret-fact' } },
      records: { log: new TextEncoder().encode('secret-record') },
    });
    const stored = (await blobsOf(ground))
      .map((id) => Buffer.from(blobs.bytesOf(id)).toString('latin1'))
      .join();
    expect(stored + JSON.stringify(await index.read('t'))).not.toMatch(/secret/);
    expect((await snapshots.show({ task: 't' })).facts).toEqual({ thread: 'secret-fact' });
  });

  it('is under a new key once it was sealed anew, without the old one', async () => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    const open = (encryption: typeof before) => createSnapshots({ index, blobs, encryption });
    await put(ground, 'file', pattern(100_000, 1));
    await open(before).save(host, work, { task: 't' });
    await appendFile(join(work, 'file'), 'more');
    await open(both).save(host, work, { task: 't' });
    await expect(open(after).verify({ task: 't', number: 1 })).rejects.toMatchObject({ code: 'wrong-key' });
    const { resealed } = await open(both).reseal('t');
    expect(resealed).toBeGreaterThan(0);
    for (const number of [1, 2])
      expect(await open(after).verify({ task: 't', number })).toMatchObject({ damaged: [] });
    expect(await open(both).reseal('t')).toEqual({ resealed: 0, bytes: 0 });
    await open(after).save(host, work, { task: 't' });
  });

  it.each([
    ['saved', (snapshots: Snapshots, work: HostPath) => snapshots.save(host, work, { task: 't' })],
    ['sealed anew', (snapshots: Snapshots) => snapshots.reseal('t')],
  ])('is not damaged where somebody removes it while it is %s: it was changed', async (_, deed) => {
    await using ground = await openGround();
    const { work, index } = ground;
    let removeIt: (() => Promise<void>) | undefined;
    const blobs = createMemoryBlobStore({
      async faults(operation) {
        const due = operation === 'open' ? removeIt : undefined;
        if (due === undefined) return undefined;
        removeIt = undefined;
        await due();
        return undefined;
      },
    });
    await put(ground, 'file', 'x');
    const snapshots = createSnapshots({ index, blobs, encryption: before });
    await snapshots.save(host, work, { task: 't' });
    removeIt = () => snapshots.remove('t');
    await expect(deed(createSnapshots({ index, blobs, encryption: both }), work)).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await Array.fromAsync(blobs.list())).toEqual([]);
  });

  it('is never a silent fresh start: a wrong, unknown or missing key is said', async () => {
    await using ground = await openGround();
    const { work, index, blobs } = ground;
    await put(ground, 'file', 'x');
    const open = (encryption: typeof before | 'plaintext') => createSnapshots({ index, blobs, encryption });
    await open(before).save(host, work, { task: 't' });
    for (const [encryption, code] of [
      [after, 'wrong-key'],
      [wrong, 'damaged'],
      ['plaintext', 'wrong-key'],
    ] as const) {
      await expect(open(encryption).show({ task: 't' })).rejects.toMatchObject({ code });
      await expect(open(encryption).save(host, work, { task: 't' })).rejects.toMatchObject({ code });
    }
    await open('plaintext').save(host, work, { task: 'plain' });
    await expect(open(before).show({ task: 'plain' })).rejects.toMatchObject({ code: 'not-sealed' });
    await expect(open('plaintext').reseal('t')).rejects.toMatchObject({ code: 'invalid-config' });
  });
});

it('says that the store does not answer, and goes on when it does', async () => {
  await using ground = await openGround();
  const { work } = ground;
  await put(ground, 'file', pattern(1_000, 1));
  let isDown = false;
  const blobs = createMemoryBlobStore({
    faults: () => (isDown ? new BlobStoreError('unavailable', 'The store does not answer.') : undefined),
  });
  const index = createMemorySnapshotIndex();
  const snapshots = createSnapshots({ index, blobs, encryption: 'plaintext' });
  await snapshots.save(host, work, { task: 't' });
  await put(ground, 'file', pattern(1_000, 2));
  isDown = true;
  await expect(snapshots.save(host, work, { task: 't' })).rejects.toMatchObject({ code: 'store-failed' });
  isDown = false;
  expect(await snapshots.list('t')).toHaveLength(1);
  await snapshots.save(host, work, { task: 't' });
  expect(await snapshots.verify({ task: 't' })).toMatchObject({ damaged: [] });
});
