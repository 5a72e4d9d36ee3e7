import { randomBytes } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { Collection, GridFSBucket, ObjectId } from 'mongodb';
import { describe, expect, it, vi } from 'vitest';
import { type BlobId, type BlobStore, createKeyring, sealBlobs } from '../index.ts';
import { inPieces, listedIds, patternBytes, readBlob } from '../testing/contract/contract-case.ts';
import { blobStoreContract } from '../testing/index.ts';
import { createGridFsBlobStore, ensureIndexes } from './index.ts';

const keyring = createKeyring({ current: 'k', keys: { k: randomBytes(32) } });

describeOnMongodb('a GridFS store', (database) => {
  const contract = (wrap: (store: BlobStore) => BlobStore): ReturnType<typeof blobStoreContract> =>
    blobStoreContract({
      async create() {
        const own = await openTestDatabase(database().uri);
        await ensureIndexes(own.db);
        return {
          store: wrap(createGridFsBlobStore(own.db)),
          [Symbol.asyncDispose]: () => Promise.resolve(own[Symbol.asyncDispose]()),
        };
      },
    });

  describe('keeps the contract', () => {
    for (const { name, run } of contract((store) => store)) it(name, run);
  });

  describe('keeps the contract sealed', () => {
    for (const { name, run } of contract((store) => sealBlobs(store, keyring))) it(name, run);
  });

  const bucketOf = (bucketName: string): GridFSBucket => new GridFSBucket(database().db, { bucketName });
  const chunksOf = (bucketName: string) => database().db.collection(`${bucketName}.chunks`);

  it.each([
    { answerMs: Number.NaN },
    { answerMs: 0 },
    { chunkSizeBytes: 0 },
    { chunkSizeBytes: Number.NaN },
    { chunkSizeBytes: 20_000_000 },
  ])('is not made with %o', (options) => {
    expect(() => createGridFsBlobStore(database().db, options)).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        message: expect.stringContaining(Object.keys(options)[0] ?? ''),
      }),
    );
  });

  it('writes what MongoDB’s own driver reads', async () => {
    const store = createGridFsBlobStore(database().db, { bucketName: 'shared', filename: 'seed' });
    const bytes = patternBytes(600_000);
    const id = await store.put(inPieces(bytes, 7_777), { labels: { processId: 'p', prefix: 'x' } });
    const [file] = await bucketOf('shared').find().toArray();
    expect(file).toMatchObject({
      _id: new ObjectId(id),
      length: 600_000,
      chunkSize: 261_120,
      filename: 'seed',
      metadata: { processId: 'p', prefix: 'x' },
    });
    const pieces: Buffer[] = [];
    for await (const piece of bucketOf('shared').openDownloadStream(new ObjectId(id))) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  });

  it('reads what MongoDB’s own driver writes, with chunks of any size', async () => {
    const store = createGridFsBlobStore(database().db, { bucketName: 'theirs', filename: 'seed' });
    const bytes = patternBytes(600_000);
    const writing = bucketOf('theirs').openUploadStream('seed', {
      chunkSizeBytes: 1_000,
      metadata: { name: 'n', n: 7 },
    });
    await pipeline([bytes], writing);
    await pipeline([bytes], bucketOf('theirs').openUploadStream('workdir'));
    const id = writing.id.toHexString() as BlobId;
    expect(await store.stat(id)).toMatchObject({ size: 600_000, labels: { name: 'n' } });
    expect((await readBlob(store, id)).equals(bytes)).toBe(true);
    expect(await readBlob(store, id, { offset: 999, length: 2 })).toEqual(bytes.subarray(999, 1_001));
    expect(await listedIds(store)).toEqual([id]);
  });

  it('tells of every chunk that is missing, doubled or of another length', async () => {
    const store = createGridFsBlobStore(database().db, { bucketName: 'damaged', chunkSizeBytes: 1_000 });
    const chunks = chunksOf('damaged');
    const damages: ((files_id: ObjectId) => Promise<unknown>)[] = [
      (files_id) => chunks.deleteMany({ files_id }),
      (files_id) => chunks.deleteOne({ files_id, n: 0 }),
      (files_id) => chunks.deleteOne({ files_id, n: 3 }),
      (files_id) => chunks.deleteOne({ files_id, n: 4 }),
      (files_id) => chunks.updateOne({ files_id, n: 2 }, { $set: { data: Buffer.alloc(999) } }),
      (files_id) => chunks.updateOne({ files_id, n: 4 }, { $set: { data: Buffer.alloc(1) } }),
      (files_id) => chunks.insertOne({ files_id, n: 2, data: Buffer.alloc(1_000) }),
    ];
    for (const damage of damages) {
      const id = await store.put(patternBytes(4_500));
      await damage(new ObjectId(id));
      await expect(readBlob(store, id)).rejects.toMatchObject({ code: 'damaged' });
    }
  });

  it('removes the chunks of a put that was aborted, and none of another put', async () => {
    const store = createGridFsBlobStore(database().db, { bucketName: 'aborted', chunkSizeBytes: 1_000 });
    const chunks = chunksOf('aborted');
    const kept = await store.put(patternBytes(5_000));
    const id = store.createId();
    await chunks.insertOne({ files_id: new ObjectId(id), n: 0, data: Buffer.alloc(1_000) });
    const controller = new AbortController();
    let given = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        given += 1;
        if (given === 10) controller.abort();
        stream.enqueue(patternBytes(1_000));
      },
    });
    await expect(store.put(body, { id, signal: controller.signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    expect(await chunks.countDocuments({ files_id: new ObjectId(id) })).toBe(1);
    expect(await chunks.countDocuments({})).toBe(6);
    expect(await readBlob(store, kept)).toHaveLength(5_000);
  });

  it('leaves nothing of a put that was aborted while its chunks were on their way, however long', async () => {
    const { db } = database();
    const insertOne = Collection.prototype.insertOne;
    let [sent, landed] = [0, 0];
    using _slow = vi.spyOn(Collection.prototype, 'insertOne').mockImplementation(async function (
      this: Collection,
      ...given
    ) {
      sent += 1;
      if (sent > 1) await sleep(2_500);
      const inserted = await insertOne.apply(this, given);
      landed += 1;
      return inserted;
    });
    const store = createGridFsBlobStore(db, { bucketName: 'under-way', chunkSizeBytes: 1_000 });
    const controller = new AbortController();
    let given = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(stream) {
        given += 1;
        if (given === 5) controller.abort();
        stream.enqueue(patternBytes(1_000));
      },
    });
    await expect(store.put(body, { signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' });
    expect(sent).toBeGreaterThan(2);
    expect(landed).toBe(sent);
    expect(await chunksOf('under-way').countDocuments({})).toBe(0);
  });

  it('tells an id that a blob has from one that an interrupted put left, and takes the latter once it is swept', async () => {
    const { db } = database();
    await ensureIndexes(db, { bucketName: 'taken' });
    const store = createGridFsBlobStore(db, { bucketName: 'taken' });
    const id = store.createId();
    await chunksOf('taken').insertOne({ files_id: new ObjectId(id), n: 0, data: Buffer.alloc(10) });
    await expect(store.put(patternBytes(600_000), { id })).rejects.toMatchObject({ code: 'id-in-use' });
    expect(await chunksOf('taken').countDocuments({})).toBe(1);
    expect(await store.sweep({ olderThanMs: 0 })).toMatchObject({ removed: 1 });
    await store.put(patternBytes(600_000), { id });
    await expect(store.put(patternBytes(1), { id })).rejects.toMatchObject({ code: 'already-exists' });
    expect(await readBlob(store, id)).toHaveLength(600_000);
  });

  it('sweeps chunks that no file owns once the youngest of them is old, and no others', async () => {
    const db = database().db;
    const store = createGridFsBlobStore(db, { bucketName: 'swept', chunkSizeBytes: 1_000 });
    const chunks = chunksOf('swept');
    const kept = await store.put(patternBytes(5_000));
    const hoursAgo = (hours: number): ObjectId =>
      ObjectId.createFromTime(Math.floor(Date.now() / 1_000) - hours * 3_600);
    const interrupted = new ObjectId();
    const underWay = hoursAgo(50);
    const plant = async (files_id: unknown, n: number, _id: unknown): Promise<void> => {
      await db
        .collection<{ _id: unknown }>('swept.chunks')
        .insertOne({ _id, files_id, n, data: Buffer.alloc(1_000) } as { _id: unknown });
    };
    await plant(interrupted, 0, hoursAgo(30));
    await plant(interrupted, 1, hoursAgo(25));
    await plant(underWay, 0, hoursAgo(31));
    await plant(underWay, 1, hoursAgo(1));
    await plant('somebody else’s', 0, hoursAgo(99));
    await plant(new ObjectId(), 0, 'somebody else’s');
    expect(await store.sweep()).toEqual({ removed: 1, bytes: 0 });
    expect(await chunks.countDocuments({ files_id: interrupted })).toBe(0);
    expect(await chunks.countDocuments({ files_id: underWay })).toBe(2);
    expect(await chunks.countDocuments({})).toBe(9);
    expect(await readBlob(store, kept)).toHaveLength(5_000);
  });

  it('lists no file that is not whole by its own document, nor one that is not called as its blobs are', async () => {
    const db = database().db;
    const files = db.collection<{ _id: unknown }>('odd.files');
    const store = createGridFsBlobStore(db, { bucketName: 'odd' });
    const id = await store.put(patternBytes(10));
    await files.insertOne({ _id: 'text', length: 1, chunkSize: 1, uploadDate: new Date() } as {
      _id: unknown;
    });
    await files.insertOne({ _id: new ObjectId(), chunkSize: 0 } as { _id: unknown });
    expect(await listedIds(store)).toEqual([id]);
  });

  it('needs no index for one put to win and the others to leave it whole', async () => {
    const store = createGridFsBlobStore(database().db, { bucketName: 'bare', chunkSizeBytes: 1_000 });
    const id = store.createId();
    const tries = await Promise.allSettled(
      Array.from({ length: 8 }, (_, each) => store.put(Buffer.alloc(5_000, each), { id })),
    );
    expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const winner = tries.findIndex(({ status }) => status === 'fulfilled');
    expect((await readBlob(store, id)).equals(Buffer.alloc(5_000, winner))).toBe(true);
    expect(await chunksOf('bare').countDocuments({})).toBe(5);
  });
});
