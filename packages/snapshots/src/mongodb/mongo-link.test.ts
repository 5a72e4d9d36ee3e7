import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGridFsBlobStore, ensureIndexes } from '@seedbed/blob-store/gridfs';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import type { LinkProxy } from '@seedbed/host/testing';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import type { Db } from 'mongodb';
import { expect, it } from 'vitest';
import { seen, temporaryFolder } from '../../test/disk-tree.ts';
import { openLinkedDatabase } from '../../test/linked-database.ts';
import { pattern } from '../../test/random-tree.ts';
import { createSnapshots, SnapshotError, type Snapshots } from '../index.ts';
import { createMongoSnapshotIndex } from './index.ts';

const host = createLocalHost();

/** Times that a clock has given are exact to the microsecond only, and so not compared here. */
const contents = (folder: string) => seen(folder, { times: false });

interface Linked extends AsyncDisposable {
  readonly link: LinkProxy;
  readonly through: () => Snapshots;
  /** The same for one who soon takes a server for silent. */
  readonly impatient: () => Snapshots;
  readonly direct: () => Snapshots;
}

/** A store in MongoDB that is reached through a link that can be cut, and directly. */
async function openLinked(uri: string): Promise<Linked> {
  const linked = await openLinkedDatabase(uri, { delayMs: 1 });
  await ensureIndexes(linked.direct);
  const over =
    (db: Db, answerMs = 30_000) =>
    (): Snapshots =>
      createSnapshots({
        index: createMongoSnapshotIndex(db, { answerMs }),
        blobs: createGridFsBlobStore(db, { answerMs }),
        encryption: 'plaintext',
      });
  return {
    link: linked.link,
    through: over(linked.through),
    impatient: over(linked.through, 3_000),
    direct: over(linked.direct),
    [Symbol.asyncDispose]: () => linked[Symbol.asyncDispose](),
  };
}

describeOnMongodb('snapshots in a MongoDB that is away for a while', (database) => {
  it('keep the last good one, say what happened, and go on', { timeout: 240_000 }, async () => {
    await using linked = await openLinked(database().uri);
    await using place = await temporaryFolder();
    const { link, through, direct } = linked;
    const [work, again] = [join(place.path, 'work'), join(place.path, 'again')];
    await mkdir(work);
    await writeFile(join(work, 'kept'), pattern(300_000, 1));
    await through().save(host, hostPath(work), { task: 't' });
    let failed = 0;
    for (let cut = 0; cut < 6; cut += 1) {
      for (let at = 0; at < 8; at += 1)
        await writeFile(join(work, `file-${at}`), pattern(250_000, cut * 10 + at));
      const before = await contents(work);
      const known = (await direct().list('t')).length;
      link.cutAfter(1_000 + cut * 420_000, cut % 2 === 0 ? 'up' : 'down');
      const saved = await through()
        .save(host, hostPath(work), { task: 't', keep: 20 })
        .then(
          () => true,
          (failure: unknown) => {
            expect(failure).toBeInstanceOf(SnapshotError);
            expect((failure as SnapshotError).code).toBe('store-failed');
            return false;
          },
        );
      failed += saved ? 0 : 1;
      link.accept();
      link.resume();
      const rows = await direct().list('t');
      // An answer that was lost may be that of the save itself.
      expect(rows.length - known).toBeGreaterThanOrEqual(saved ? 1 : 0);
      for (const { number } of rows.slice(-2))
        expect((await direct().verify({ task: 't', number })).damaged).toEqual([]);
      await expect.poll(() => through().list('t')).toHaveLength(rows.length);
      await through().save(host, hostPath(work), { task: 't', keep: 20 });
      await direct().restore(host, hostPath(again), { task: 't' });
      expect(await contents(again)).toEqual(before);
    }
    expect(failed).toBeGreaterThan(0);
    const swept = await direct().prune('t', { keep: 2, orphansAfterMs: -60_000 });
    expect(swept.removed.length).toBeGreaterThan(0);
    expect((await direct().verify({ task: 't' })).damaged).toEqual([]);
  });

  it('do not wait for ever for a connection that has fallen silent, and count what was done all the same', {
    timeout: 120_000,
  }, async () => {
    await using linked = await openLinked(database().uri);
    await using place = await temporaryFolder();
    const { link, through, impatient, direct } = linked;
    const work = hostPath(join(place.path, 'work'));
    await mkdir(work);
    await writeFile(join(work, 'file'), 'one');
    await through().save(host, work, { task: 't' });
    const snapshots = impatient();
    const failed = { name: 'SnapshotError', code: 'store-failed' };
    link.stall();
    await expect(snapshots.list('t')).rejects.toMatchObject(failed);
    await expect(snapshots.save(host, work, { task: 't' })).rejects.toMatchObject(failed);
    const stop = new AbortController();
    const given = expect(snapshots.list('t', { signal: stop.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    stop.abort();
    await given;
    link.resume();
    await expect.poll(() => impatient().list('t')).toHaveLength((await direct().list('t')).length);
    await through().save(host, work, { task: 't' });
    expect((await direct().verify({ task: 't' })).damaged).toEqual([]);
  });

  it('leave a folder as it was when a restore is cut off', { timeout: 120_000 }, async () => {
    await using linked = await openLinked(database().uri);
    await using place = await temporaryFolder();
    const { link, through, impatient, direct } = linked;
    const work = join(place.path, 'work');
    await mkdir(work);
    for (let at = 0; at < 12; at += 1) await writeFile(join(work, `file-${at}`), pattern(400_000, at));
    const wanted = await contents(work);
    await direct().save(host, hostPath(work), { task: 't' });
    for (let at = 0; at < 12; at += 1) await writeFile(join(work, `file-${at}`), 'changed');
    const before = await contents(work);
    await through().list('t');
    link.refuse();
    link.cutAfter(1_500_000, 'down');
    await expect(impatient().restore(host, hostPath(work), { task: 't' })).rejects.toMatchObject({
      code: 'store-failed',
    });
    expect(await contents(work)).toEqual(before);
    link.accept();
    link.resume();
    await expect
      .poll(() =>
        impatient()
          .list('t')
          .catch(() => []),
      )
      .toHaveLength(1);
    await through().restore(host, hostPath(work), { task: 't' });
    expect(await contents(work)).toEqual(wanted);
  });
});
