import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../test/ground.ts';
import { createMemoryJournal, type MemoryJournal } from '../test/memory-journal.ts';
import type { SeedId } from './seed-facts.ts';
import { testCredential } from './testing/index.ts';

let ground: Ground;
let journal: MemoryJournal;
let seedId: SeedId;
beforeEach(async () => {
  ground = openGround();
  journal = createMemoryJournal();
  seedId = await ground.captured();
});
afterEach(() => ground[Symbol.asyncDispose]());

const second = testCredential({ ...ada, token: 'token-2', at: 2 });

describe('a credential that a program keeps in its memory', () => {
  test('is taken, written back, and free for the next', async () => {
    {
      await using lease = await ground.seeds({ journal }).acquire({ seedId }, 'task');
      expect(JSON.parse(Buffer.from(await lease.take()).toString())).toMatchObject({ token: 'token-1' });
      expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
    }
    expect(journal.size()).toBe(0);
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });

  test('is suspect when its program died with it, and given to nobody before that is known', async () => {
    const away = ground.store.another();
    const dying = ground.seeds({ store: away, journal: journal.another('dying') });
    await (await dying.acquire({ seedId }, 'task')).take();
    away.goAway();
    journal.die('dying');
    await ground.clock.advance(LEASE_MS + 1);
    await expect(ground.seeds().acquire({ seedId }, 'elsewhere')).rejects.toMatchObject({
      refusals: [{ reason: 'unsettled' }],
    });
    const next = ground.seeds({ journal: journal.another('next') });
    await using _lease = await next.acquire({ seedId }, 'same machine');
    expect((await next.get(seedId)).status).toBe('suspect');
  });

  test('is not taken again before the store has what it has become', async () => {
    const seeds = ground.seeds({ journal });
    await using lease = await seeds.acquire({ seedId }, 'task');
    await lease.take();
    ground.store.goAway();
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'journaled' });
    await expect(lease.take()).rejects.toMatchObject({ code: 'store-unavailable' });
    ground.store.comeBack();
    expect(JSON.parse(Buffer.from(await lease.take()).toString())).toMatchObject({ token: 'token-2' });
  });

  test('is suspect when its program died after it had taken it twice', async () => {
    const away = ground.store.another();
    const dying = ground.seeds({ store: away, journal: journal.another('dying') });
    const lease = await dying.acquire({ seedId }, 'task');
    await lease.take();
    await lease.writeBack(second);
    await lease.take();
    away.goAway();
    journal.die('dying');
    await ground.clock.advance(LEASE_MS + 1);
    const next = ground.seeds({ journal: journal.another('next') });
    await using _lease = await next.acquire({ seedId }, 'same machine');
    expect((await next.get(seedId)).status).toBe('suspect');
  });

  test('is suspect when its program died with what it had written back in the journal, which is saved', async () => {
    const away = ground.store.another();
    const dying = ground.seeds({ store: away, journal: journal.another('dying') });
    const lease = await dying.acquire({ seedId }, 'task');
    await lease.take();
    away.goAway();
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'journaled' });
    journal.die('dying');
    const next = ground.seeds({ journal: journal.another('next') });
    // The token is saved at once; whether the program has gone on with it is for the end of its lease.
    await next.catchUp();
    expect((await next.get(seedId)).status).toBe('alive');
    await ground.clock.advance(LEASE_MS + 1);
    {
      await using taken = await next.acquire({ seedId }, 'same machine');
      expect(JSON.parse(Buffer.from(await taken.take()).toString())).toMatchObject({ token: 'token-2' });
      expect((await next.get(seedId)).status).toBe('suspect');
    }
    expect(journal.size()).toBe(0);
  });

  test('is given to nobody while the program that has it may be alive, although it cannot be seen', async () => {
    const other = ground.seeds({ journal: journal.another('in its own container') });
    await using lease = await other.acquire({ seedId }, 'task');
    await lease.take();
    journal.die('in its own container');
    const seeds = ground.seeds({ journal: journal.another('next') });
    await seeds.catchUp();
    await ground.clock.advance(LEASE_MS * 2);
    await expect(seeds.acquire({ seedId }, 'next')).rejects.toMatchObject({
      refusals: [{ reason: 'leased' }],
    });
    expect(await seeds.get(seedId)).toMatchObject({ status: 'alive' });
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
  });

  test('leaves its note when the lease cannot be ended in the store, until it can', async () => {
    const seeds = ground.seeds({ journal });
    const lease = await seeds.acquire({ seedId }, 'task');
    await lease.take();
    await lease.writeBack(second);
    ground.store.goAway();
    await lease[Symbol.asyncDispose]();
    expect(journal.size()).toBe(1);
    ground.store.comeBack();
    await ground.clock.advance(60_000);
    expect(journal.size()).toBe(0);
    expect(await seeds.get(seedId)).toMatchObject({ status: 'alive' });
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });
});

test('a key that was planted by one who died is free when the lease is over: it does not rotate', async () => {
  const key = await ground.captured({ account: 'ci', token: 'key-1', at: 1, way: 'key' });
  const away = ground.store.another();
  const lease = await ground.seeds({ store: away }).acquire({ seedId: key }, 'task');
  await lease.plant({ host: ground.host, home: homeOf('task') });
  away.goAway();
  await ground.clock.advance(LEASE_MS + 1);
  await using next = await ground.seeds({ reach: () => undefined }).acquire({ seedId: key }, 'next');
  expect(next.seedId).toBe(key);
});
