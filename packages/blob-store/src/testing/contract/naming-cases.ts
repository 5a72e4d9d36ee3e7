import assert from 'node:assert/strict';
import type { BlobId } from '../../blob-store.ts';
import {
  type CaseDefinition,
  inPieces,
  listed,
  listedIds,
  patternBytes,
  readBlob,
  rejectsWith,
} from './contract-case.ts';

/** Ids, labels, lists and deletion. */
export const namingCases: readonly CaseDefinition[] = [
  {
    name: 'takes an id that it has made before, once',
    async check(store) {
      const id = store.createId();
      assert.match(id, /^[A-Za-z0-9_-]{1,128}$/);
      assert.notEqual(store.createId(), id);
      assert.equal(await store.stat(id), undefined);
      assert.equal(await store.put(patternBytes(10), { id }), id);
      await rejectsWith(store.put(patternBytes(300_000), { id }), 'already-exists');
      await rejectsWith(store.put(inPieces(patternBytes(300_000), 7_000), { id }), 'already-exists');
      assert.deepEqual(await readBlob(store, id), patternBytes(10));
      assert.deepEqual(await listedIds(store), [id]);
    },
  },
  {
    name: 'lets exactly one of many put a blob under one id, and gives that one’s bytes',
    async check(store) {
      const id = store.createId();
      const contents = Array.from({ length: 8 }, (_, index) => patternBytes(270_000 + index).reverse());
      const tries = await Promise.allSettled(contents.map((bytes) => store.put(bytes, { id })));
      const winners = tries.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      assert.ok(winners.length <= 1, 'two were told that they had put it');
      for (const each of tries) {
        if (each.status === 'rejected') assert.match(each.reason.code, /^(already-exists|id-in-use)$/);
      }
      const [winner] = winners;
      if (winner !== undefined)
        assert.ok((await readBlob(store, id)).equals(contents[winner] ?? Buffer.of()));
      else assert.equal(await store.stat(id), undefined);
    },
  },
  {
    name: 'knows nothing of a blob that is not there',
    async check(store) {
      const id = store.createId();
      assert.equal(await store.stat(id), undefined);
      const failure = await rejectsWith(store.open(id), 'not-found');
      assert.ok(failure.message.includes(id), 'the message names the blob');
      await store.delete(id);
      assert.deepEqual(await listed(store), []);
    },
  },
  {
    name: 'refuses ids that are none of its own',
    async check(store) {
      for (const text of ['', '../../etc/passwd', 'a/b', 'x'.repeat(200), '$where', 'ünd']) {
        const id = text as BlobId;
        await rejectsWith(store.put(patternBytes(1), { id }), 'invalid-id');
        await rejectsWith(store.open(id), 'invalid-id');
        await rejectsWith(store.stat(id), 'invalid-id');
        await rejectsWith(store.delete(id), 'invalid-id');
      }
    },
  },
  {
    name: 'says of each blob what it is, and finds those with the labels that are asked for',
    async check(store) {
      const before = Date.now();
      const texts = {
        plain: 'a',
        unicode: 'naïve – 日本 🙂',
        empty: '',
        quotes: '"\\\n\u0000',
        dollar: '$ne',
      };
      const first = await store.put(patternBytes(5), { labels: { task: 't1', kind: 'tree' } });
      const second = await store.put(patternBytes(70_000), { labels: { task: 't1', kind: 'pack' } });
      const third = await store.put(patternBytes(0), { labels: texts });
      const info = await store.stat(first);
      assert.deepEqual(
        { ...info, createdMs: 0 },
        { id: first, size: 5, createdMs: 0, labels: { task: 't1', kind: 'tree' } },
      );
      assert.ok(info !== undefined && info.createdMs >= before && info.createdMs <= Date.now());
      assert.deepEqual((await store.stat(third))?.labels, texts);
      assert.deepEqual(await listedIds(store), [first, second, third].sort());
      assert.deepEqual(await listedIds(store, { labels: { task: 't1' } }), [first, second].sort());
      assert.deepEqual(await listed(store, { labels: { task: 't1', kind: 'pack' } }), [
        await store.stat(second),
      ]);
      assert.deepEqual(await listedIds(store, { labels: { unicode: texts.unicode } }), [third]);
      assert.deepEqual(await listedIds(store, { labels: { dollar: '$ne', plain: 'a' } }), [third]);
      assert.deepEqual(await listed(store, { labels: { task: 't2' } }), []);
      assert.deepEqual(await listed(store, { labels: { missing: '' } }), []);
      assert.deepEqual(await listed(store, { labels: { toString: '' } }), []);
    },
  },
  {
    name: 'refuses labels that not every store can keep',
    async check(store) {
      const tooMany = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`l${index}`, 'x']));
      const odd = [{ 'a.b': 'x' }, { $set: 'x' }, { '': 'x' }, { a: 'x'.repeat(1_001) }, { a: '\ud800' }];
      for (const labels of [...odd, tooMany]) {
        const failure = await rejectsWith(store.put(patternBytes(1), { labels }), 'invalid-labels');
        assert.ok(!failure.message.includes('xxx'), 'the message quotes no value');
      }
      assert.deepEqual(await listed(store), []);
    },
  },
  {
    name: 'deletes a blob, whoever else asks for it too, and leaves the others alone',
    async check(store) {
      const [kept, gone] = [await store.put(patternBytes(400_000)), await store.put(patternBytes(400_000))];
      await Promise.all([store.delete(gone), store.delete(gone), store.delete(gone)]);
      assert.equal(await store.stat(gone), undefined);
      await rejectsWith(store.open(gone), 'not-found');
      assert.deepEqual(await listedIds(store), [kept]);
      assert.deepEqual(await readBlob(store, kept), patternBytes(400_000));
    },
  },
  {
    name: 'gives a reader the whole blob or an error when it is deleted meanwhile',
    async check(store) {
      const bytes = patternBytes(5_000_000);
      const id = await store.put(bytes);
      const reading = readBlob(store, id).then(
        (read) => assert.ok(read.equals(bytes), 'a part of it was taken for all of it'),
        (error: { code?: string }) =>
          assert.ok(['damaged', 'not-found'].includes(error.code ?? ''), String(error)),
      );
      await store.delete(id);
      await reading;
      assert.equal(await store.stat(id), undefined);
    },
  },
  {
    name: 'does nothing once its signal has fired',
    async check(store) {
      const id = await store.put(patternBytes(10));
      const signal = AbortSignal.abort(new Error('enough'));
      const failure = await rejectsWith(store.delete(id, { signal }), 'aborted');
      assert.equal(failure.cause, signal.reason);
      await rejectsWith(store.stat(id, { signal }), 'aborted');
      await rejectsWith(listed(store, { signal }), 'aborted');
      await rejectsWith(store.sweep({ signal }), 'aborted');
      assert.deepEqual(await readBlob(store, id), patternBytes(10));
    },
  },
];
