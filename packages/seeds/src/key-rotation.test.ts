import { createKeyring, type Keyring } from '@seedbed/blob-store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, openGround } from '../test/ground.ts';
import type { SeedId } from './seed-facts.ts';

let ground: Ground;
beforeEach(() => {
  ground = openGround();
});
afterEach(() => ground[Symbol.asyncDispose]());

const keyring = (current: string, ...others: readonly string[]): Keyring =>
  createKeyring({
    current,
    keys: Object.fromEntries(
      [current, ...others].map((name) => [name, new Uint8Array(32).fill(name.charCodeAt(0))]),
    ),
  });

async function captured(sealing: Keyring, account: string): Promise<SeedId> {
  const home = homeOf(`setup-of-${account}`);
  await ground.write(home, { account, token: `${account}-1`, at: 1, summary: { email: account } });
  return await ground.seeds({ sealing }).capture({ host: ground.host, home, pool: 'team' });
}

describe('a seed under a key that is not there', () => {
  test('is listed without what is sealed, beside those that can be opened', async () => {
    const closed = await captured(keyring('old'), 'ada');
    const open = await captured(keyring('new'), 'bob');
    const seeds = ground.seeds({ sealing: keyring('new') });
    const shown = new Map((await seeds.list()).map((seed) => [seed.id, seed]));
    expect(shown.get(open)).toMatchObject({ account: { email: 'bob' } });
    expect(shown.get(open)).not.toHaveProperty('unopenedReason');
    expect(shown.get(closed)).toMatchObject({
      pool: 'team',
      status: 'alive',
      unopenedReason: expect.stringContaining('old'),
    });
    expect(shown.get(closed)).not.toHaveProperty('account');
    expect(await seeds.get(closed)).toMatchObject({ unopenedReason: expect.any(String) });
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).toBe(open);
  });

  test('is listed where no keyring was given at all, and refused with a SeedError wherever it is needed', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const seeds = ground.seeds({ sealing: 'plaintext' });
    expect(await seeds.list()).toMatchObject([{ id: seedId, unopenedReason: expect.any(String) }]);
    const quota = { takenMs: 1, windows: [{ label: 'day', usedPercent: 1 }] };
    await expect(seeds.recordQuota(seedId, quota)).rejects.toMatchObject({
      name: 'SeedError',
      code: 'unsealing-failed',
    });
    await expect(seeds.acquire({ seedId }, 'task')).rejects.toMatchObject({
      refusals: [{ seedId, reason: 'unreadable' }],
    });
  });

  test('saves its token although somebody else has sealed its account under another key', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const home = homeOf('task');
    const lease = await ground.seeds({ sealing: keyring('old') }).acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home });
    const quota = { takenMs: 1, windows: [{ label: 'day', usedPercent: 7 }] };
    await ground.seeds({ sealing: keyring('new', 'old') }).recordQuota(seedId, quota);
    await ground.write(home, { account: 'ada', token: 'ada-2', at: 2 });
    await lease[Symbol.asyncDispose]();
    expect(ground.types()).toContain('saved');
    const seeds = ground.seeds({ sealing: keyring('new', 'old') });
    expect(await seeds.get(seedId)).toMatchObject({ account: { email: 'ada' }, quota });
  });
});

describe('a seed that is sealed anew', () => {
  test('needs the old key no more: files, account and what is kept aside', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const old = ground.seeds({ sealing: keyring('old') });
    const [first, second] = [homeOf('one'), homeOf('two')];
    // What an unmarked home brings is kept aside.
    await ground.write(first, { account: 'ada', token: 'stray', at: 3 });
    for (const home of [first, second]) {
      await using lease = await old.acquire({ seedId }, 'task');
      await lease.plant({ host: ground.host, home });
    }
    const [aside] = (await old.get(seedId)).aside;
    expect(aside).toBeDefined();
    const both = ground.seeds({ sealing: keyring('new', 'old') });
    expect(await both.reseal(seedId)).toEqual({ resealed: 3, bytes: expect.any(Number) });
    expect(await both.reseal(seedId)).toEqual({ resealed: 0, bytes: 0 });
    const later = ground.seeds({ sealing: keyring('new') });
    expect(await later.get(seedId)).toMatchObject({ account: { email: 'ada' } });
    await later.restore(seedId, aside?.generation ?? '');
    await using lease = await later.acquire({ seedId }, 'task');
    expect(JSON.parse(Buffer.from(await lease.take()).toString())).toMatchObject({ token: 'stray' });
  });

  test('is so under its holder, whose token is saved all the same', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const both = keyring('new', 'old');
    const home = homeOf('task');
    {
      await using lease = await ground.seeds({ sealing: both }).acquire({ seedId }, 'task');
      await lease.plant({ host: ground.host, home });
      expect((await ground.seeds({ sealing: both }).reseal(seedId)).resealed).toBe(2);
      await ground.write(home, { account: 'ada', token: 'ada-2', at: 2 });
      expect(await lease.watch().save()).toMatchObject({ outcome: 'saved' });
      expect(lease.signal.aborted).toBe(false);
    }
    await using lease = await ground.seeds({ sealing: keyring('new') }).acquire({ seedId }, 'next');
    expect(JSON.parse(Buffer.from(await lease.take()).toString())).toMatchObject({ token: 'ada-2' });
  });

  test('is what somebody saved in that very moment, and nothing older', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const holder = ground.seeds({ sealing: keyring('old') });
    await using lease = await holder.acquire({ seedId }, 'task');
    await lease.take();
    let saved = false;
    const store = ground.store.another({
      async intercept(operation, moment) {
        if (operation !== 'update' || moment !== 'before' || saved) return;
        saved = true;
        await lease.writeBack(Buffer.from(JSON.stringify({ ...ada, token: 'meanwhile', at: 2 })));
      },
    });
    await ground.clock.until(ground.seeds({ store, sealing: keyring('new', 'old') }).reseal(seedId));
    const { content } = (await ground.store.get(seedId)) ?? {};
    expect(keyring('new').keyIdOf(content ?? new Uint8Array())).toBe('new');
    expect(JSON.parse(Buffer.from(await (await newLease()).take()).toString())).toMatchObject({
      token: 'meanwhile',
    });

    async function newLease() {
      await lease[Symbol.asyncDispose]();
      return await ground.seeds({ sealing: keyring('new') }).acquire({ seedId }, 'next');
    }
  });

  test('is left as it is without the old key, or without a keyring', async () => {
    const seedId = await captured(keyring('old'), 'ada');
    const before = await ground.store.get(seedId);
    await expect(ground.seeds({ sealing: keyring('new') }).reseal(seedId)).rejects.toMatchObject({
      code: 'unsealing-failed',
    });
    await expect(ground.seeds().reseal(seedId)).rejects.toMatchObject({ code: 'invalid-config' });
    expect((await ground.store.get(seedId))?.version).toBe(before?.version);
  });
});
