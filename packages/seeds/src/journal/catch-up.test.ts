import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../../test/ground.ts';
import { createMemoryJournal, type MemoryJournal } from '../../test/memory-journal.ts';
import { SeedError } from '../seed-error.ts';
import type { SeedId } from '../seed-facts.ts';
import { testCredential } from '../testing/index.ts';

let ground: Ground;
let seedId: SeedId;
let journal: MemoryJournal;
beforeEach(async () => {
  ground = openGround();
  seedId = await ground.captured();
  journal = createMemoryJournal();
});
afterEach(() => ground[Symbol.asyncDispose]());

const HOME = homeOf('task');
const rotated = (number: number): Uint8Array =>
  testCredential({ ...ada, token: `token-${number}`, at: number });

describe('what the store could not be told', () => {
  test('is told as soon as it is back, in order', async () => {
    const seeds = ground.seeds({ journal });
    await using lease = await seeds.acquire({ seedId }, 'task');
    ground.store.goAway();
    expect(await lease.writeBack(rotated(2))).toMatchObject({ outcome: 'journaled' });
    expect(await lease.writeBack(rotated(3))).toMatchObject({ outcome: 'journaled' });
    expect(journal.size()).toBe(2);
    ground.store.comeBack();
    await ground.clock.advance(5_000);
    expect(journal.size()).toBe(0);
    const { lineage, aside } = await seeds.get(seedId);
    expect(lineage).toHaveLength(3);
    expect(aside).toEqual([]);
  });

  test('is told before what came out of it', async () => {
    await using lease = await ground.seeds({ journal }).acquire({ seedId }, 'task');
    ground.store.goAway();
    await lease.writeBack(rotated(2));
    ground.store.comeBack();
    expect(await lease.writeBack(rotated(3))).toMatchObject({ outcome: 'saved' });
    expect((await ground.seeds().get(seedId)).aside).toEqual([]);
  });

  test('includes the end of a lease: the seed is free when that is told', async () => {
    const seeds = ground.seeds({ journal });
    const lease = await seeds.acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: HOME });
    ground.store.goAway();
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    await lease[Symbol.asyncDispose]();
    await ground.host.remove(HOME, { recursive: true });
    expect(ground.types()).toEqual(expect.arrayContaining(['journaled', 'release-failed']));
    ground.store.comeBack();
    expect(await seeds.catchUp()).toBe(0);
    await using next = await ground.seeds({ reach: () => undefined }).acquire({ pool: 'team' }, 'elsewhere');
    expect(next.seedId).toBe(seedId);
  });

  test('keeps a seed from others when its lease ends, although the store is back', async () => {
    let isAway = false;
    const store = ground.store.another({
      intercept: (operation) => {
        // Comes back between the last save and the release.
        if (isAway && operation === 'get') throw new SeedError('store-unavailable', 'The store is away.');
      },
    });
    const seeds = ground.seeds({ store, journal });
    const lease = await seeds.acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: HOME });
    isAway = true;
    await lease.writeBack(rotated(2));
    await ground.host.remove(HOME, { recursive: true });
    const ending = lease[Symbol.asyncDispose]();
    await ground.clock.until(Promise.resolve(ending));
    isAway = false;
    await ground.clock.advance(LEASE_MS + 1);
    const elsewhere = ground.seeds({ journal: 'none' });
    expect(await seeds.catchUp()).toBe(0);
    await using next = await elsewhere.acquire({ pool: 'team' }, 'elsewhere');
    await next.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-2' });
  });

  test('is told by the next program of the machine when this one has died', async () => {
    const away = ground.store.another();
    const lease = await ground
      .seeds({ store: away, journal: journal.another('first') })
      .acquire({ seedId }, 'task');
    away.goAway();
    await lease.writeBack(rotated(2));
    journal.die('first');
    await ground.clock.advance(LEASE_MS + 1);
    const next = ground.seeds({ journal: journal.another('second') });
    await using taken = await next.acquire({ pool: 'team' }, 'next');
    await taken.plant({ host: ground.host, home: HOME });
    expect(await ground.read(HOME)).toMatchObject({ token: 'token-2' });
    expect(ground.types()).toContain('caught-up');
  });

  test('is kept for whom it concerns: another store’s notes stay, and nobody else holds them', async () => {
    await journal
      .write({ type: 'ended', seedId, store: 'another store', holder: 'x', fence: 1 })
      .then((entry) => entry.release());
    expect(await ground.seeds({ journal }).catchUp()).toBe(1);
    expect(journal.size()).toBe(1);
    expect(await journal.another('of that store').take()).toHaveLength(1);
  });

  test('is let go of when this program ends, so that the next can have it', async () => {
    const seeds = ground.seeds({ journal: journal.another('first') });
    const lease = await seeds.acquire({ seedId }, 'task');
    ground.store.goAway();
    await lease.writeBack(rotated(2));
    await lease[Symbol.asyncDispose]();
    await seeds[Symbol.asyncDispose]();
    ground.store.comeBack();
    expect(await ground.seeds({ journal: journal.another('second') }).catchUp()).toBe(0);
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });

  test('is not said to be saved where there is no journal either: the lease’s end rejects, and the next holder looks there', async () => {
    const seeds = ground.seeds();
    const lease = await seeds.acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: HOME });
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    ground.store.goAway();
    await expect(lease[Symbol.asyncDispose]()).rejects.toMatchObject({ code: 'not-saved' });
    ground.store.comeBack();
    await ground.clock.advance(LEASE_MS + 1);
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });

  test('of a seed that was deleted is forgotten', async () => {
    const seeds = ground.seeds({ journal });
    const lease = await seeds.acquire({ seedId }, 'task');
    ground.store.goAway();
    await lease.writeBack(rotated(2));
    ground.store.comeBack();
    const stored = await ground.store.get(seedId);
    if (stored !== undefined) await ground.store.remove(stored);
    expect(await seeds.catchUp()).toBe(0);
    await lease[Symbol.asyncDispose]();
  });
});
