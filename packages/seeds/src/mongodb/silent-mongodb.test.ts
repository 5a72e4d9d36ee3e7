import { randomUUID } from 'node:crypto';
import { hostPath } from '@seedbed/host';
import { createMemoryHost, type LinkProxy, openLinkProxy } from '@seedbed/host/testing';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../test/memory-journal.ts';
import { createSeeds, type SeedId, type SeedJournal, type SeedStore, type Seeds } from '../index.ts';
import { testCredential, testCredentialKind, testManifest } from '../testing/index.ts';
import { createMongodbSeedStore } from './index.ts';

interface Linked extends AsyncDisposable {
  readonly link: LinkProxy;
  /** Through the link. */
  readonly store: (options?: { readonly answerMs?: number }) => SeedStore;
  readonly direct: SeedStore;
}

async function openLinked(uri: string): Promise<Linked> {
  await using stack = new AsyncDisposableStack();
  const own = await openTestDatabase(uri);
  stack.defer(async () => await own[Symbol.asyncDispose]());
  const [target] = own.client.options.hosts;
  const link = stack.use(
    await openLinkProxy({ host: target?.host ?? '127.0.0.1', port: target?.port ?? 27_017 }),
  );
  const by = uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]*/, `$1${link.host}:${link.port}`);
  // A driver that finds out by itself only after minutes.
  const client = stack.adopt(
    new MongoClient(by, { directConnection: true, heartbeatFrequencyMS: 120_000 }),
    (each) => each.close(),
  );
  stack.defer(() => link.resume());
  const collection = `seeds_${randomUUID()}`;
  const ended = stack.move();
  return {
    link,
    store: (options = {}) =>
      createMongodbSeedStore({ db: client.db(own.db.databaseName), collection, ...options }),
    direct: createMongodbSeedStore({ db: own.db, collection }),
    [Symbol.asyncDispose]: () => ended.disposeAsync(),
  };
}

function seedsOver(store: SeedStore, journal: SeedJournal | 'none' = 'none'): Seeds {
  return createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal,
  });
}

const home = hostPath('/home/user/task');
const login = hostPath('/home/user/task/.agent/login.json');

async function captured(seeds: Seeds): Promise<SeedId> {
  await using host = createMemoryHost();
  await host.makeDirectory(hostPath('/home/user/task/.agent'));
  await host.writeFile(login, testCredential({ account: 'ada', token: 'one', at: 1 }));
  return await seeds.capture({ host, home, pool: 'team' });
}

interface SilentAtChange extends SeedStore {
  readonly asked: Promise<void>;
  update: SeedStore['update'];
}

/** The same store, whose link falls silent just before the first change of a seed. */
function silentAtChange(store: SeedStore, link: LinkProxy): SilentAtChange {
  const asked = Promise.withResolvers<void>();
  return {
    ...store,
    asked: asked.promise,
    update(read, change) {
      link.stall();
      asked.resolve();
      return store.update(read, change);
    },
  };
}

const noAnswer = {
  name: 'SeedError',
  code: 'store-unavailable',
  message: expect.stringMatching(/no answer from MongoDB within \d+ ms/),
};

describeOnMongodb('seeds behind a link that has fallen silent', (database) => {
  it('are away once there is no answer in time, or when whoever asks gives up', async () => {
    await using linked = await openLinked(database().uri);
    const { link, direct } = linked;
    const id = await captured(seedsOver(direct));
    const store = linked.store({ answerMs: 500 });
    const seeds = seedsOver(store);
    await seeds.list();
    link.stall();
    await expect(seeds.list()).rejects.toMatchObject(noAnswer);
    await expect(seeds.get(id)).rejects.toMatchObject(noAnswer);
    await expect(store.now()).rejects.toMatchObject(noAnswer);
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject(noAnswer);
    await expect(seeds.label(id, 'mine')).rejects.toMatchObject(noAnswer);
    const patient = seedsOver(linked.store());
    for (const given of [
      (signal: AbortSignal) => patient.list({ signal }),
      (signal: AbortSignal) => patient.get(id, { signal }),
      (signal: AbortSignal) => patient.acquire({ pool: 'team' }, 'task', { signal }),
      (signal: AbortSignal) => patient.verifyAndRefresh(id, () => Promise.reject(), { signal }),
      (signal: AbortSignal) =>
        Array.fromAsync(patient.refreshIdle({ refresh: () => Promise.reject(), signal })),
    ]) {
      const stop = new AbortController();
      const asked = expect(given(stop.signal)).rejects.toMatchObject({ name: 'SeedError', code: 'aborted' });
      stop.abort();
      await asked;
    }
    link.resume();
    await expect.poll(() => seeds.list().catch(() => [])).toHaveLength(1);
    expect((await direct.list()).seeds[0]?.facts.lease).toBeUndefined();
  });

  it('are nobody’s when a lease comes to who has given up waiting for it', async () => {
    await using linked = await openLinked(database().uri);
    const { link, direct } = linked;
    const id = await captured(seedsOver(direct));
    const store = silentAtChange(linked.store(), link);
    await using seeds = seedsOver(store);
    const stop = new AbortController();
    const asked = expect(
      seeds.acquire({ pool: 'team' }, 'task', { signal: stop.signal }),
    ).rejects.toMatchObject({ code: 'aborted' });
    await store.asked;
    stop.abort();
    await asked;
    // From now on the link stays as it is.
    store.update = linked.store().update;
    link.resume();
    await expect.poll(async () => (await direct.get(id))?.facts).toMatchObject({ fence: 1 });
    await expect.poll(async () => (await direct.get(id))?.facts.lease).toBeUndefined();
  });

  it('are nobody’s when a lease comes that the store gave no answer about', async () => {
    await using linked = await openLinked(database().uri);
    const { link, direct } = linked;
    const id = await captured(seedsOver(direct));
    const impatient = linked.store({ answerMs: 500 });
    const store = silentAtChange(impatient, link);
    await using seeds = seedsOver(store);
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject(noAnswer);
    store.update = impatient.update;
    expect((await direct.get(id))?.facts.lease).toBeUndefined();
    link.resume();
    await expect.poll(() => seeds.catchUp()).toBe(0);
    // Whether it came before it was ended or after: it is no lease any more.
    await using next = await seedsOver(direct).acquire({ pool: 'team' }, 'next');
    expect(next.fence).toBeGreaterThan(1);
  });

  it('are not changed by what arrives when somebody else has changed them', async () => {
    await using linked = await openLinked(database().uri);
    const { link, direct } = linked;
    const id = await captured(seedsOver(direct));
    const store = linked.store({ answerMs: 500 });
    const read = await store.get(id);
    if (read === undefined) throw new Error('it is not there');
    link.stall();
    await expect(
      store.update(read, { facts: { ...read.facts, label: 'late' }, content: Buffer.from('late') }),
    ).rejects.toMatchObject(noAnswer);
    await seedsOver(direct).label(id, 'in time');
    link.resume();
    await expect
      .poll(() => store.get(id).catch(() => undefined))
      .toMatchObject({ facts: { label: 'in time' } });
    expect((await direct.get(id))?.content).toEqual(read.content);
  });

  it('end their lease at once, with what was rotated in the journal, and have it when the link is back', async () => {
    await using linked = await openLinked(database().uri);
    const { link, direct } = linked;
    const id = await captured(seedsOver(direct));
    const journal = createMemoryJournal();
    await using host = createMemoryHost();
    await using seeds = seedsOver(linked.store({ answerMs: 500 }), journal);
    {
      await using lease = await seeds.acquire({ pool: 'team' }, 'task');
      await lease.plant({ host, home });
      link.stall();
      await host.writeFile(login, testCredential({ account: 'ada', token: 'two', at: 2 }));
    }
    expect((await direct.get(id))?.facts.lease).toBeDefined();
    link.resume();
    await expect.poll(() => seeds.catchUp()).toBe(0);
    await using next = await seedsOver(direct).acquire({ seedId: id }, 'next');
    expect(JSON.parse(Buffer.from(await next.take()).toString())).toMatchObject({ token: 'two' });
  });

  it('ask for a time that is one', () => {
    for (const answerMs of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY])
      expect(() =>
        createMongodbSeedStore({
          db: new MongoClient('mongodb://127.0.0.1:9').db(),
          collection: 's',
          answerMs,
        }),
      ).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });
});
