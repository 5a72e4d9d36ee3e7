import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../../test/ground.ts';
import { createMemoryJournal, type MemoryJournal } from '../../test/memory-journal.ts';
import { SeedError } from '../seed-error.ts';
import type { SeedId } from '../seed-facts.ts';
import type { SeedLease } from '../seed-lease.ts';
import { testCredential } from '../testing/index.ts';
import type { SeedJournal } from './seed-journal.ts';

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

/** A holder whose store has gone away, and whose lease is over; so many tokens later. */
async function lateWithNotes(numbers: readonly number[]): Promise<{ late: SeedLease; comeBack: () => void }> {
  const store = ground.store.another();
  const late = await ground.seeds({ store, journal }).acquire({ seedId }, 'late');
  await late.plant({ host: ground.host, home: HOME });
  store.goAway();
  for (const number of numbers) await late.writeBack(rotated(number));
  await ground.clock.advance(LEASE_MS + 1);
  return { late, comeBack: () => store.comeBack() };
}

/** The next holder, who dies when it has saved what is in the file, and is about to take that away. */
async function saveAndDie(): Promise<void> {
  const died = Promise.withResolvers<void>();
  const rename = (): Promise<never> => {
    died.resolve();
    return new Promise<never>(() => undefined);
  };
  const store = ground.store.another();
  void ground
    .seeds({ store, reach: () => ({ ...ground.host, rename }) })
    .acquire({ seedId }, 'dying')
    .catch(() => undefined);
  await died.promise;
  store.goAway();
}

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

  test('is told as soon as it is back, although the journal cannot be listed any more; whether it is all is not known then', async () => {
    const take = (): Promise<never> =>
      Promise.reject(new SeedError('journal-failed', 'The journal’s folder cannot be listed.'));
    let isListed = true;
    const listed: SeedJournal = { write: journal.write, take: () => (isListed ? journal.take() : take()) };
    const seeds = ground.seeds({ journal: listed });
    await using lease = await seeds.acquire({ seedId }, 'task');
    isListed = false;
    ground.store.goAway();
    expect(await lease.writeBack(rotated(2))).toMatchObject({ outcome: 'journaled' });
    ground.store.comeBack();
    await ground.clock.advance(5_000);
    expect(journal.size()).toBe(0);
    expect((await seeds.get(seedId)).lineage).toHaveLength(2);
    await expect(seeds.catchUp()).rejects.toMatchObject({ code: 'journal-failed' });
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

  test('is told as soon as it can be, also when nobody asks again: that a dead program had begun a refresh, once its lease is over', async () => {
    const store = ground.store.another();
    const dead = ground.seeds({ store, journal: journal.another('first') });
    const asked = Promise.withResolvers<void>();
    const refresh = (): Promise<never> => {
      asked.resolve();
      return new Promise(() => undefined);
    };
    void dead.verifyAndRefresh(seedId, refresh).catch(() => undefined);
    // By then both have it: the journal's note, and the store's mark that a refresh is under way.
    await asked.promise;
    store.goAway();
    journal.die('first');
    const next = ground.seeds({ journal: journal.another('second') });
    expect(await next.catchUp()).toBe(1);
    await ground.clock.advance(LEASE_MS * 2);
    expect(journal.size()).toBe(0);
    expect(await next.get(seedId)).toMatchObject({ status: 'suspect' });
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

  test('is that a lease has ended: where no journal takes it, the end rejects, and the store is told as long as the program lives', async () => {
    journal.failWrites();
    const lease = await ground.seeds({ journal }).acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: HOME });
    ground.store.goAway();
    await expect(lease[Symbol.asyncDispose]()).rejects.toMatchObject({
      code: 'not-saved',
      message: expect.stringContaining(HOME),
    });
    ground.store.comeBack();
    await ground.clock.advance(5_000);
    await ground.host.remove(HOME, { recursive: true });
    await using next = await ground.seeds().acquire({ seedId }, 'next');
    expect(next.seedId).toBe(seedId);
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

  test.each([
    ['whatever the clocks say', undefined],
    ['and has rotated it since', 'token-5'],
  ])('is no news where the next holder has found what came after it, %s', async (_, since) => {
    const { late, comeBack } = await lateWithNotes([2, 3, 4]);
    // Given out by a provider whose clock was set back.
    await ground.write(HOME, { ...ada, token: 'token-4', at: 1 });
    await using next = await ground.seeds().acquire({ seedId }, 'next');
    await next.plant({ host: ground.host, home: homeOf('next') });
    expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-4' });
    if (since !== undefined) await next.writeBack(testCredential({ ...ada, token: since, at: 5 }));
    comeBack();
    await ground.clock.advance(35_000);
    expect(journal.size()).toBe(0);
    expect(await ground.seeds().get(seedId)).toMatchObject({ status: 'alive', aside: [] });
    await late[Symbol.asyncDispose]();
    await next[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe(since ?? 'token-4');
  });

  test('is the seed’s where it was the last of its lease, although one who wanted to look found what was before it, and died', async () => {
    const { late, comeBack } = await lateWithNotes([]);
    await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
    await saveAndDie();
    await ground.write(HOME, { ...ada, token: 'token-3', at: 2 });
    // Both are noted: what it has become, and that nothing comes after it.
    await late[Symbol.asyncDispose]();
    await ground.host.remove(HOME, { recursive: true });
    comeBack();
    await ground.clock.advance(LEASE_MS * 2);
    expect(await ground.storedToken(seedId)).toBe('token-3');
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

test('the mark of a refresh that reaches the store when its note was told comes in vain', async () => {
  let isDead = false;
  const never = new Promise<never>(() => undefined);
  const before = ground.store.another({ intercept: () => (isDead ? never : undefined) });
  const marked = Promise.withResolvers<() => Promise<boolean>>();
  const store = {
    ...before,
    update(...change: Parameters<typeof before.update>) {
      if (change[1].facts.outstanding === undefined) return before.update(...change);
      isDead = true;
      marked.resolve(() => ground.store.update(...change));
      return never;
    },
  };
  const dying = ground.seeds({ store, journal: journal.another('dying') });
  void dying.verifyAndRefresh(seedId, () => never);
  const arrive = await marked.promise;
  journal.die('dying');
  const seeds = ground.seeds({ journal });
  // Its lease runs: it may be alive where processes do not see each other.
  expect(await seeds.catchUp()).toBe(1);
  await ground.clock.advance(LEASE_MS * 2);
  expect(await seeds.catchUp()).toBe(0);
  expect(await arrive()).toBe(false);
  await using lease = await seeds.acquire({ seedId }, 'next');
  expect(lease.signal.aborted).toBe(false);
});
