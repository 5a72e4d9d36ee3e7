import assert from 'node:assert/strict';
import type { BlobId, PutOptions } from '../../blob-store.ts';
import {
  type CaseDefinition,
  listed,
  listedIds,
  patternBytes,
  readBlob,
  rejectsWith,
} from './contract-case.ts';

/** All or nothing, whatever becomes of a put. */
export const interruptionCases: readonly CaseDefinition[] = [
  {
    name: 'leaves nothing of a put that is aborted, and tells its source',
    async check(store) {
      const controller = new AbortController();
      const cancelled = Promise.withResolvers<void>();
      const id = store.createId();
      let given = 0;
      const endless = new ReadableStream<Uint8Array>({
        pull(stream) {
          given += 1;
          if (given === 20) controller.abort(new Error('enough'));
          stream.enqueue(patternBytes(100_000));
        },
        cancel: () => cancelled.resolve(),
      });
      const failure = await rejectsWith(store.put(endless, { id, signal: controller.signal }), 'aborted');
      assert.equal(failure.cause, controller.signal.reason);
      await cancelled.promise;
      await rejectsWith(store.put(patternBytes(1), { id, signal: AbortSignal.abort() }), 'aborted');
      assert.equal(await store.stat(id), undefined);
      await rejectsWith(store.open(id), 'not-found');
      assert.deepEqual(await listed(store), []);
      await store.put(patternBytes(7), { id });
      assert.deepEqual(await readBlob(store, id), patternBytes(7));
    },
  },
  {
    name: 'tells the source of a put that fails before it reads',
    async check(store) {
      const taken = await store.put(patternBytes(10));
      const never: readonly (readonly [code: string, options: PutOptions])[] = [
        ['aborted', { signal: AbortSignal.abort() }],
        ['invalid-labels', { labels: { 'a.b': 'x' } }],
        ['invalid-id', { id: 'a/b' as BlobId }],
      ];
      for (const [code, options] of never) {
        const source = watchedSource(Number.POSITIVE_INFINITY);
        await rejectsWith(store.put(source.body, options), code);
        assert.equal(await source.end, 'cancelled', code);
      }
      // A store may look at the name first or last.
      const source = watchedSource(30);
      await rejectsWith(store.put(source.body, { id: taken }), 'already-exists');
      await source.end;
      assert.deepEqual(await listedIds(store), [taken]);
      assert.deepEqual(await readBlob(store, taken), patternBytes(10));
    },
  },
  {
    name: 'does not wait for a silent source once it is told to stop',
    async check(store) {
      const controller = new AbortController();
      const silent = new ReadableStream<Uint8Array>({
        start: (stream) => stream.enqueue(patternBytes(10)),
        pull: () => new Promise<void>(() => undefined),
      });
      const putting = store.put(silent, { signal: controller.signal });
      controller.abort();
      await rejectsWith(putting, 'aborted');
      assert.deepEqual(await listed(store), []);
    },
  },
  {
    name: 'leaves nothing of a put whose source fails, and passes its failure on',
    async check(store) {
      const cause = new Error('the source broke');
      for (const before of [0, 1, 12]) {
        let given = 0;
        const broken = new ReadableStream<Uint8Array>({
          pull(stream) {
            given += 1;
            if (given > before) stream.error(cause);
            else stream.enqueue(patternBytes(100_000));
          },
        });
        const failure = await rejectsWith(store.put(broken), 'source-failed');
        assert.equal(failure.cause, cause);
      }
      const locked = new ReadableStream<Uint8Array>();
      locked.getReader();
      await rejectsWith(store.put(locked), 'source-failed');
      assert.deepEqual(await listed(store), []);
    },
  },
  {
    name: 'shows nothing of a blob before all of it is there',
    async check(store) {
      const id = store.createId();
      let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
        },
      });
      const putting = store.put(body, { id, labels: { slow: 'yes' } });
      for (let piece = 0; piece < 5; piece += 1) {
        stream?.enqueue(patternBytes(200_000));
        assert.equal(await store.stat(id), undefined);
        await rejectsWith(store.open(id), 'not-found');
        assert.deepEqual(await listed(store), []);
      }
      stream?.close();
      await putting;
      assert.deepEqual(await listedIds(store, { labels: { slow: 'yes' } }), [id]);
      assert.equal((await store.stat(id))?.size, 1_000_000);
    },
  },
  {
    name: 'sweeps no blob that is there, nor a put that is under way',
    async check(store) {
      const kept = await store.put(patternBytes(300_000));
      let stream: ReadableStreamDefaultController<Uint8Array> | undefined;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          stream = controller;
        },
      });
      const putting = store.put(body);
      stream?.enqueue(patternBytes(600_000));
      assert.equal((await readBlob(store, kept)).byteLength, 300_000);
      await store.sweep();
      stream?.enqueue(patternBytes(600_000));
      stream?.close();
      const late = await putting;
      assert.deepEqual(await store.sweep(), { removed: 0, bytes: 0 });
      assert.deepEqual(await store.sweep({ olderThanMs: 0 }), { removed: 0, bytes: 0 });
      assert.equal((await readBlob(store, kept)).byteLength, 300_000);
      assert.equal((await readBlob(store, late)).byteLength, 1_200_000);
    },
  },
  {
    name: 'sweeps nothing for an age that is none',
    async check(store) {
      for (const olderThanMs of [Number.NaN, -1]) {
        await rejectsWith(store.sweep({ olderThanMs }), 'invalid-config');
      }
    },
  },
];

/** A body of so many pieces that says how it ended: a source that is neither read to its end nor cancelled stays open. */
function watchedSource(pieces: number): {
  readonly body: ReadableStream<Uint8Array>;
  readonly end: Promise<'read' | 'cancelled'>;
} {
  const { promise: end, resolve } = Promise.withResolvers<'read' | 'cancelled'>();
  let given = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(stream) {
        given += 1;
        if (given <= pieces) return stream.enqueue(patternBytes(10));
        stream.close();
        resolve('read');
      },
      cancel: () => resolve('cancelled'),
    },
    { highWaterMark: 0 },
  );
  return { body, end };
}
