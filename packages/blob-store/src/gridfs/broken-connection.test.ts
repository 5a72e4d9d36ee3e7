import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { type LinkProxy, openLinkProxy } from '@seedbed/host/testing';
import { describeOnMongodb, openTestDatabase, type TestDatabase } from '@seedbed/mongodb-server';
import { MongoClient } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { type BlobId, type BlobStore, createKeyring, sealBlobs } from '../index.ts';
import { inPieces, listedIds, patternBytes, readBlob } from '../testing/contract/contract-case.ts';
import { blobStoreContract } from '../testing/index.ts';
import { createGridFsBlobStore, ensureIndexes } from './index.ts';

const keyring = createKeyring({ current: 'k', keys: { k: randomBytes(32) } });

/** A store that is reached through a link, and one for the same blobs that is reached directly. */
interface Linked extends AsyncDisposable {
  readonly link: LinkProxy;
  readonly store: BlobStore;
  /** The same for one who soon takes a server for silent. */
  readonly impatient: BlobStore;
  readonly direct: BlobStore;
  readonly database: TestDatabase;
}

async function openLinked(uri: string, { delayMs = 0 }: { delayMs?: number } = {}): Promise<Linked> {
  const own = await openTestDatabase(uri);
  await ensureIndexes(own.db);
  const [target] = own.client.options.hosts;
  const link = await openLinkProxy(
    { host: target?.host ?? '127.0.0.1', port: target?.port ?? 27_017 },
    { delayMs },
  );
  const through = uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]*/, `$1${link.host}:${link.port}`);
  const client = new MongoClient(through, {
    directConnection: true,
    serverSelectionTimeoutMS: 30_000,
    heartbeatFrequencyMS: 500,
  });
  await client.connect();
  return {
    link,
    store: createGridFsBlobStore(client.db(own.db.databaseName)),
    impatient: createGridFsBlobStore(client.db(own.db.databaseName), { answerMs: 2_000 }),
    direct: createGridFsBlobStore(own.db),
    database: own,
    async [Symbol.asyncDispose]() {
      link.accept();
      link.resume();
      await client.close();
      await link[Symbol.asyncDispose]();
      await own[Symbol.asyncDispose]();
    },
  };
}

describeOnMongodb('GridFS through a bad link', (database) => {
  describe('keeps the contract over a slow one', () => {
    const cases = blobStoreContract({
      async create() {
        const linked = await openLinked(database().uri, { delayMs: 4 });
        return {
          store: sealBlobs(linked.store, keyring),
          [Symbol.asyncDispose]: () => Promise.resolve(linked[Symbol.asyncDispose]()),
        };
      },
    });
    for (const { name, run } of cases) it(name, run, 60_000);
  });

  it('is there whole or not at all, wherever the link breaks, and goes on afterwards', async () => {
    await using linked = await openLinked(database().uri);
    const { link, store, direct } = linked;
    const kept = await store.put(patternBytes(500_000), { labels: { kept: 'yes' } });
    const bytes = patternBytes(1_500_000);
    const there: BlobId[] = [];
    for (let cut = 0; cut < 12; cut += 1) {
      const id = store.createId();
      link.cutAfter(1 + cut * 140_000, cut % 3 === 2 ? 'down' : 'up');
      const failure = await store.put(inPieces(bytes, 100_000), { id }).then(
        () => undefined,
        (error: { code?: string }) => error,
      );
      link.cutAfter(Infinity, 'up');
      link.cutAfter(Infinity, 'down');
      if (failure !== undefined) expect(failure, String(failure)).toMatchObject({ code: 'unavailable' });
      const info = await direct.stat(id);
      if (failure === undefined) expect(info).toBeDefined();
      if (info === undefined) continue;
      there.push(id);
      expect((await readBlob(direct, id)).equals(bytes)).toBe(true);
    }
    expect(await listedIds(store)).toEqual([kept, ...there].sort());
    expect(await readBlob(store, kept)).toEqual(patternBytes(500_000));
    expect(await readBlob(store, await store.put(bytes))).toEqual(bytes);
  });

  it('gives a reader all bytes or an error when the link breaks', async () => {
    await using linked = await openLinked(database().uri);
    const { link, store } = linked;
    const bytes = patternBytes(9_000_000);
    const id = await store.put(bytes);
    for (const after of [1, 3_000_000, 6_000_000]) {
      link.cutAfter(after, 'down');
      const read = await readBlob(store, id).catch((error: { code?: string }) => error);
      link.cutAfter(Infinity, 'down');
      if (read instanceof Uint8Array) expect(Buffer.from(read).equals(bytes)).toBe(true);
      else expect(read).toMatchObject({ code: 'unavailable' });
    }
    expect((await readBlob(store, id)).equals(bytes)).toBe(true);
  });

  it('says that a server does not answer, in good time, and works with the same data when it does again', async () => {
    await using linked = await openLinked(database().uri);
    const { link, store, impatient } = linked;
    const id = await store.put(patternBytes(100_000));
    link.stall();
    const failures = [
      impatient.stat(id),
      impatient.put(patternBytes(100_000)),
      readBlob(impatient, id),
      impatient.sweep(),
    ];
    for (const each of await Promise.allSettled(failures)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
    }
    const controller = new AbortController();
    const waiting = store.stat(id, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    link.resume();
    link.refuse();
    link.cut();
    await expect(impatient.stat(id)).rejects.toMatchObject({ code: 'unavailable' });
    link.accept();
    await expect.poll(() => readBlob(impatient, id).catch(() => undefined)).toEqual(patternBytes(100_000));
  });

  it('lists nothing of a put whose program was killed', async () => {
    await using linked = await openLinked(database().uri);
    const { database: own, direct } = linked;
    const program = join(import.meta.dirname, '../../test/put-child.ts');
    const child = spawn(process.execPath, [program, 'gridfs', own.uri, own.db.databaseName, '4'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    // What is under way to the server when the program dies would arrive at any time: it dies when all has arrived, and its source is silent.
    await expect.poll(() => own.db.collection('fs.chunks').countDocuments({})).toBe(16);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(await listedIds(direct)).toEqual([]);
    expect(await direct.sweep()).toEqual({ removed: 0, bytes: 0 });
    expect(await direct.sweep({ olderThanMs: 0 })).toEqual({ removed: 1, bytes: 0 });
    expect(await own.db.collection('fs.chunks').countDocuments({})).toBe(0);
  });
});
