import { hostPath, joinHostPath } from '@seedbed/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, loginIn, openGround } from '../test/ground.ts';
import { createMemoryJournal } from '../test/memory-journal.ts';
import { SeedError } from './seed-error.ts';
import type { SeedId } from './seed-facts.ts';
import type { Seeds } from './seeds.ts';

let ground: Ground;
let seedId: SeedId;
beforeEach(async () => {
  ground = openGround();
  seedId = await ground.captured();
});
afterEach(() => ground[Symbol.asyncDispose]());

const HOME = homeOf('task');

/** A program that plants the seed and then dies, without a word: once it is planted, or when it is about to make its nth change in the store. */
async function plantAndDie(options: { readonly afterUpdates?: number } = {}): Promise<void> {
  let left = options.afterUpdates ?? Number.POSITIVE_INFINITY;
  const died = Promise.withResolvers<void>();
  const dying = ground.store.another({
    intercept: (operation, moment) => {
      if (operation === 'update' && moment === 'before') left -= 1;
      if (left >= 0) return;
      died.resolve();
      return new Promise<never>(() => undefined);
    },
  });
  const lease = await ground.seeds({ store: dying }).acquire({ seedId }, 'dying');
  await Promise.race([lease.plant({ host: ground.host, home: HOME }), died.promise]);
  left = 0;
  await ground.clock.advance(LEASE_MS + 1);
}

describe('what a dead holder left', () => {
  test('is saved before anybody gets the seed, and taken away from where it was', async () => {
    await plantAndDie();
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    await using lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    await lease.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-2' });
    expect(await ground.read(HOME)).toBeUndefined();
    expect(ground.events).toContainEqual(expect.objectContaining({ type: 'salvaged', outcome: 'saved' }));
  });

  test('is waited for while it is being written', async () => {
    await plantAndDie();
    await ground.write(HOME, '{"account":');
    const acquiring = ground.seeds().acquire({ pool: 'team' }, 'next');
    await ground.clock.advance(1);
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    await using lease = await ground.clock.until(acquiring);
    await lease.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-2' });
  });

  test('is found where one who wanted to save it died with it in hand', async () => {
    await plantAndDie();
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    await ground.host.rename(loginIn(HOME), hostPath(`${loginIn(HOME)}.seedbed-collected`));
    await using lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    await lease.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-2' });
    const left: string[] = [];
    for await (const { name } of ground.host.list(joinHostPath(HOME, '.agent'))) left.push(name);
    expect(left).toEqual([]);
  });

  test('is taken away also where nothing has changed, so that what may still run cannot spend it', async () => {
    await plantAndDie();
    await using _lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    expect(await ground.read(HOME)).toBeUndefined();
  });

  test('is nothing where it died before it had written anything', async () => {
    await plantAndDie({ afterUpdates: 2 });
    await ground.host.remove(HOME, { recursive: true });
    await using lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    expect(lease.seedId).toBe(seedId);
  });

  test('is not what had been there before, if it died before it had written anything', async () => {
    const before = { ...ada, token: 'token-0', at: 9 };
    await ground.write(HOME, before);
    // The lease, what is there kept aside, that it is going to be planted; not that it was.
    await plantAndDie({ afterUpdates: 3 });
    await ground.write(HOME, before);
    await using lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    await lease.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-1' });
    expect((await ground.seeds().get(seedId)).aside).toMatchObject([{ reason: 'conflict' }]);
  });

  test.each([
    ['the place cannot be reached from here', { reach: () => undefined }, 'cannot be reached'],
    [
      'the host fails',
      {
        reach: () => {
          throw new Error('the network is down');
        },
      },
      'the network is down',
    ],
  ])('keeps the seed from everybody while %s', async (_, options, said) => {
    await plantAndDie();
    const elsewhere = ground.seeds(options);
    await expect(elsewhere.acquire({ pool: 'team' }, 'next')).rejects.toMatchObject({
      code: 'unavailable',
      refusals: [{ seedId, reason: 'unsettled', detail: expect.stringContaining(said) }],
    });
    expect(await elsewhere.get(seedId)).toMatchObject({ leftAt: { place: 'memory' } });
    // Where it can be reached it is had at once.
    await using _lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
  });

  test('keeps the seed from everybody when the file is gone, until a person gives it up', async () => {
    await plantAndDie();
    await ground.host.remove(HOME, { recursive: true });
    const seeds = ground.seeds();
    await expect(seeds.acquire({ pool: 'team' }, 'next')).rejects.toMatchObject({
      refusals: [{ reason: 'unsettled' }],
    });
    await seeds.abandonLeft(seedId);
    expect((await seeds.get(seedId)).status).toBe('suspect');
    await using _lease = await seeds.acquire({ pool: 'team' }, 'next');
  });

  test('lets another seed of the pool be taken instead', async () => {
    await plantAndDie();
    const other = await ground.captured({ account: 'bob', token: 'of-bob', at: 1 });
    await using lease = await ground.seeds({ reach: () => undefined }).acquire({ pool: 'team' }, 'next');
    expect(lease.seedId).toBe(other);
  });

  test('is not taken for the seed’s where it is somebody else’s', async () => {
    await plantAndDie();
    await ground.write(HOME, { account: 'eve', token: 'of-eve', at: 9 });
    await using lease = await ground.seeds().acquire({ pool: 'team' }, 'next');
    await lease.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-1' });
    expect(await ground.read(HOME)).toMatchObject({ token: 'of-eve' });
  });

  test('makes the seed suspect where it is half a file: what it was to be is lost', async () => {
    await plantAndDie();
    await ground.write(HOME, '{"account":"ada","tok');
    await using lease = await ground.clock.until(ground.seeds().acquire({ pool: 'team' }, 'next'));
    expect(await ground.seeds().get(lease.seedId)).toMatchObject({ status: 'suspect' });
  });

  test('is also what is verified: a verification looks there like everybody else', async () => {
    await plantAndDie();
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    const asked: string[] = [];
    await ground.seeds().verifyAndRefresh(seedId, async (bytes) => {
      asked.push(JSON.parse(Buffer.from(bytes).toString()).token);
      return { outcome: 'alive' };
    });
    expect(asked).toEqual(['token-2']);
  });
});

describe('a home that holds a login already', () => {
  async function sessionWith(seeds: Seeds, token: string, at: number): Promise<void> {
    await using lease = await seeds.acquire({ seedId }, 'session');
    await lease.plant({ host: ground.host, home: HOME });
    await ground.write(HOME, { ...ada, token, at });
  }
  const marker = joinHostPath(HOME, '.seedbed-seed.json');

  test('gets the seed’s where its own is older, whatever the file’s time', async () => {
    const seeds = ground.seeds();
    await sessionWith(seeds, 'token-2', 2);
    // As a snapshot of before brings it back.
    await ground.write(HOME, { ...ada, at: 50 });
    await using lease = await seeds.acquire({ seedId }, 'resumed');
    await lease.plant({ host: ground.host, home: HOME });
    expect(await ground.read(HOME)).toMatchObject({ token: 'token-2' });
    expect((await seeds.get(seedId)).aside).toEqual([]);
  });

  test('keeps its own where that came out of the seed’s, and the seed gets it', async () => {
    const seeds = ground.seeds();
    await sessionWith(seeds, 'token-2', 2);
    await ground.write(HOME, { ...ada, token: 'token-3', at: 3 });
    await using lease = await seeds.acquire({ seedId }, 'resumed');
    await lease.plant({ host: ground.host, home: HOME });
    expect(await ground.read(HOME)).toMatchObject({ token: 'token-3' });
    expect((await seeds.get(seedId)).lineage.map(({ how }) => how)).toEqual([
      'captured',
      'rotated',
      'rotated',
    ]);
  });

  test('gets the seed’s where nobody knows what its own came out of; that is kept aside', async () => {
    const seeds = ground.seeds();
    await sessionWith(seeds, 'token-2', 2);
    await ground.host.remove(marker);
    await ground.write(HOME, { ...ada, token: 'token-9', at: 9 });
    await using lease = await seeds.acquire({ seedId }, 'resumed');
    await lease.plant({ host: ground.host, home: HOME });
    expect(await ground.read(HOME)).toMatchObject({ token: 'token-2' });
    expect((await seeds.get(seedId)).aside).toHaveLength(1);
  });

  test('keeps its own also where the store was away when it was found, and nothing is planted before the store has it', async () => {
    await sessionWith(ground.seeds(), 'token-2', 2);
    await ground.write(HOME, { ...ada, token: 'token-3', at: 3 });
    let failures = 0;
    const store = ground.store.another({
      intercept(operation) {
        if (operation !== 'get' || failures === 0) return;
        failures -= 1;
        throw new SeedError('store-unavailable', 'The store is away for a moment.');
      },
    });
    const journal = createMemoryJournal();
    const lease = await ground.seeds({ store, journal }).acquire({ seedId }, 'resumed');
    // It does not take the token, nor the note of it, and is there again for the next question.
    failures = 2;
    await expect(lease.plant({ host: ground.host, home: HOME })).rejects.toMatchObject({
      code: 'store-unavailable',
    });
    await lease.plant({ host: ground.host, home: HOME });
    expect(await ground.read(HOME)).toMatchObject({ token: 'token-3' });
    await lease[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe('token-3');
  });

  test('may hold anything else, which is replaced', async () => {
    for (const [index, rest] of ['{"half', '{}', '{"account":"eve","token":"x","at":3}'].entries()) {
      const home = homeOf(`with-rest-${index}`);
      await ground.write(home, rest);
      await using lease = await ground.seeds().acquire({ seedId }, 'task');
      await lease.plant({ host: ground.host, home });
      expect(await ground.read(home)).toMatchObject({ token: 'token-1' });
    }
  });
});
