import { afterEach, beforeEach, expect, test } from 'vitest';
import { ada, type Ground, openGround } from '../test/ground.ts';
import type { SeedId } from './seed-facts.ts';

let ground: Ground;
let now: number;
let ids: Record<'one' | 'two' | 'three', SeedId>;
beforeEach(async () => {
  ground = openGround();
  const capture = (token: string): Promise<SeedId> => ground.captured({ ...ada, token, account: token });
  ids = { one: await capture('one'), two: await capture('two'), three: await capture('three') };
  now = await ground.store.now();
});
afterEach(() => ground[Symbol.asyncDispose]());

const window = (usedPercent: number, resetsMs?: number) => ({
  label: 'five hours',
  usedPercent,
  ...(resetsMs === undefined ? {} : { resetsMs }),
});

test('a login with room is taken before one that is nearly used up, whoever was used last', async () => {
  const seeds = ground.seeds();
  await seeds.recordQuota(ids.one, { takenMs: now, windows: [window(95), window(3)] });
  await seeds.recordQuota(ids.two, { takenMs: now, windows: [window(20)] });
  for (let round = 0; round < 4; round += 1) {
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).not.toBe(ids.one);
    await ground.clock.advance(1_000);
  }
  await using _two = await seeds.acquire({ seedId: ids.two }, 'task');
  await using _three = await seeds.acquire({ seedId: ids.three }, 'task');
  await using rest = await seeds.acquire({ pool: 'team' }, 'task');
  expect(rest.seedId).toBe(ids.one);
});

test('a login that is used up is left alone until it has room again, and it is said when that is', async () => {
  const seeds = ground.seeds();
  const resets = [now + 50_000, now + 30_000, now + 70_000];
  for (const [index, id] of Object.values(ids).entries()) {
    const windows = [window(100, resets[index]), window(100, now + 10_000)];
    await seeds.recordQuota(id, { takenMs: now, windows });
  }
  await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({
    nextFreeMs: now + 30_000,
    refusals: [{ reason: 'exhausted' }, { reason: 'exhausted' }, { reason: 'exhausted' }],
  });
  await ground.clock.advance(31_000);
  await using lease = await seeds.acquire({ pool: 'team' }, 'task');
  expect(lease.seedId).toBe(ids.two);
});

test('what a login has left is shown, and nothing else of what the provider said', async () => {
  const seeds = ground.seeds();
  const said = { ...window(12, now + 1), raw: { email: 'ada@example.org', secret: 'x' } };
  await seeds.recordQuota(ids.one, { takenMs: now, windows: [said] });
  expect((await seeds.get(ids.one)).quota).toEqual({ takenMs: now, windows: [window(12, now + 1)] });
});

test('its holder notes what a login has left', async () => {
  const seeds = ground.seeds();
  await using lease = await seeds.acquire({ seedId: ids.one }, 'task');
  await lease.recordQuota({ takenMs: now, windows: [window(12)] });
  expect((await seeds.get(ids.one)).quota).toEqual({ takenMs: now, windows: [window(12)] });
});

test('a login that is suspect is taken last', async () => {
  const stored = await ground.store.get(ids.one);
  if (stored === undefined) throw new Error('the seed is gone');
  await ground.store.update(stored, { facts: { ...stored.facts, status: 'suspect' } });
  const seeds = ground.seeds();
  await using first = await seeds.acquire({ pool: 'team' }, 'task');
  await using second = await seeds.acquire({ pool: 'team' }, 'task');
  await using last = await seeds.acquire({ pool: 'team' }, 'task');
  expect([first.seedId, second.seedId]).not.toContain(ids.one);
  expect(last.seedId).toBe(ids.one);
});
