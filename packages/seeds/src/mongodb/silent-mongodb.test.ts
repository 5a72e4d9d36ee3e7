import { randomUUID } from 'node:crypto';
import { hostPath } from '@seedbed/host';
import { createMemoryHost, openLinkProxy } from '@seedbed/host/testing';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { createMemoryJournal } from '../../test/memory-journal.ts';
import { createSeeds, type SeedId, type SeedJournal, type SeedStore, type Seeds } from '../index.ts';
import { testCredential, testCredentialKind, testManifest } from '../testing/index.ts';
import { createMongodbSeedStore } from './index.ts';

interface Linked extends AsyncDisposable {
  /** Through a link; once that is silent, for one who soon takes a server for silent. */
  readonly store: SeedStore;
  /** The same for one who waits. */
  readonly patient: SeedStore;
  readonly direct: SeedStore;
  fallSilent(): void;
  resume(): void;
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
  const through = { db: client.db(own.db.databaseName), collection: `seeds_${randomUUID()}` };
  const patient = createMongodbSeedStore(through);
  const impatient = createMongodbSeedStore({ ...through, answerMs: 500 });
  let isSilent = false;
  const now = (): SeedStore => (isSilent ? impatient : patient);
  const ended = stack.move();
  return {
    patient,
    store: {
      ...patient,
      now: (options) => now().now(options),
      get: (id, options) => now().get(id, options),
      list: (options) => now().list(options),
      update: (read, change) => now().update(read, change),
    },
    direct: createMongodbSeedStore({ ...through, db: own.db }),
    fallSilent() {
      isSilent = true;
      link.stall();
    },
    resume() {
      isSilent = false;
      link.resume();
    },
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

/** The same store, whose link falls silent just before the first change of a seed. */
function silentAtChange(
  store: SeedStore,
  linked: Linked,
): { readonly store: SeedStore; readonly asked: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  let isFirst = true;
  return {
    asked: asked.promise,
    store: {
      ...store,
      update(read, change) {
        if (isFirst) linked.fallSilent();
        isFirst = false;
        asked.resolve();
        return store.update(read, change);
      },
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
    const { store, direct } = linked;
    const id = await captured(seedsOver(direct));
    const seeds = seedsOver(store);
    await seeds.list();
    linked.fallSilent();
    await expect(seeds.list()).rejects.toMatchObject(noAnswer);
    await expect(seeds.get(id)).rejects.toMatchObject(noAnswer);
    await expect(store.now()).rejects.toMatchObject(noAnswer);
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject(noAnswer);
    await expect(seeds.label(id, 'mine')).rejects.toMatchObject(noAnswer);
    const patient = seedsOver(linked.patient);
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
    linked.resume();
    expect(await seeds.list()).toHaveLength(1);
    expect((await direct.list()).seeds[0]?.facts.lease).toBeUndefined();
  });

  it('are nobody’s when a lease comes to who has given up waiting for it', async () => {
    await using linked = await openLinked(database().uri);
    const { direct } = linked;
    const id = await captured(seedsOver(direct));
    const { store, asked } = silentAtChange(linked.patient, linked);
    await using seeds = seedsOver(store);
    const stop = new AbortController();
    const { signal } = stop;
    const acquired = expect(seeds.acquire({ pool: 'team' }, 'task', { signal })).rejects.toMatchObject({
      code: 'aborted',
    });
    await asked;
    stop.abort();
    await acquired;
    linked.resume();
    const facts = async () => (await direct.get(id))?.facts;
    await expect.poll(facts, { timeout: 30_000 }).toMatchObject({ fence: 1 });
    await expect.poll(async () => (await facts())?.lease, { timeout: 30_000 }).toBeUndefined();
  });

  it('are nobody’s when a lease comes that the store gave no answer about', async () => {
    await using linked = await openLinked(database().uri);
    const { direct } = linked;
    const id = await captured(seedsOver(direct));
    const { store } = silentAtChange(linked.store, linked);
    await using seeds = seedsOver(store);
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject(noAnswer);
    expect((await direct.get(id))?.facts.lease).toBeUndefined();
    linked.resume();
    await expect.poll(() => seeds.catchUp(), { timeout: 30_000 }).toBe(0);
    // Whether it came before it was ended or after: it is no lease any more.
    await using next = await seedsOver(direct).acquire({ pool: 'team' }, 'next');
    expect(next.fence).toBeGreaterThan(1);
  });

  it('are not changed by what arrives when somebody else has changed them', async () => {
    await using linked = await openLinked(database().uri);
    const { store, direct } = linked;
    const id = await captured(seedsOver(direct));
    const read = await store.get(id);
    if (read === undefined) throw new Error('it is not there');
    linked.fallSilent();
    await expect(
      store.update(read, { facts: { ...read.facts, label: 'late' }, content: Buffer.from('late') }),
    ).rejects.toMatchObject(noAnswer);
    await seedsOver(direct).label(id, 'in time');
    linked.resume();
    expect(await store.get(id)).toMatchObject({ facts: { label: 'in time' } });
    expect((await direct.get(id))?.content).toEqual(read.content);
  });

  it('end their lease at once, with what was rotated in the journal, and have it when the link is back', async () => {
    await using linked = await openLinked(database().uri);
    const { direct } = linked;
    const id = await captured(seedsOver(direct));
    await using host = createMemoryHost();
    await using seeds = seedsOver(linked.store, createMemoryJournal());
    {
      await using lease = await seeds.acquire({ pool: 'team' }, 'task');
      await lease.plant({ host, home });
      linked.fallSilent();
      await host.writeFile(login, testCredential({ account: 'ada', token: 'two', at: 2 }));
    }
    expect((await direct.get(id))?.facts.lease).toBeDefined();
    linked.resume();
    await expect.poll(() => seeds.catchUp(), { timeout: 30_000 }).toBe(0);
    await using next = await seedsOver(direct).acquire({ seedId: id }, 'next');
    expect(JSON.parse(Buffer.from(await next.take()).toString())).toMatchObject({ token: 'two' });
  });

  it('ask for a time that is one', () => {
    const db = new MongoClient('mongodb://127.0.0.1:9').db();
    for (const answerMs of [Number.NaN, 0, -1, Number.POSITIVE_INFINITY])
      expect(() => createMongodbSeedStore({ db, collection: 'seeds', answerMs })).toThrow(
        expect.objectContaining({ code: 'invalid-config' }),
      );
  });
});
