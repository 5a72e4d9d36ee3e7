import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { gridFsFailure } from './gridfs-failure.ts';
import { createGridFsBlobStore } from './index.ts';

it('says that a server is away when nobody listens', async () => {
  const client = new MongoClient('mongodb://me:hunter2@127.0.0.1:1', { serverSelectionTimeoutMS: 50 });
  const store = createGridFsBlobStore(client.db('none'));
  const failures = [
    store.put(new Uint8Array(10)),
    store.open(store.createId()),
    store.stat(store.createId()),
    store.delete(store.createId()),
    store.list()[Symbol.asyncIterator]().next(),
    store.sweep(),
  ];
  for (const result of await Promise.allSettled(failures)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    expect(JSON.stringify(result)).not.toContain('hunter2');
  }
  await client.close();
});

it('tells a server that can’t now from one that never will, and from a full disk', () => {
  const failure = (code: number | string, message = 'no'): string =>
    gridFsFailure(Object.assign(new Error(message), { name: 'MongoServerError', code }), 'try').code;
  expect(failure(10_107)).toBe('unavailable');
  expect(failure(11_600)).toBe('unavailable');
  expect(failure('ECONNRESET')).toBe('unavailable');
  expect(failure(13)).toBe('io');
  expect(failure(14_031)).toBe('no-space');
  expect(failure(8_000, 'you are over your space quota, using 512 MB of 512 MB')).toBe('no-space');
  expect(failure(11_000)).toBe('already-exists');
});
