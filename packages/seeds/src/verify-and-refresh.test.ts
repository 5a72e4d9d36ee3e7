import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../test/ground.ts';
import { createMemoryJournal } from '../test/memory-journal.ts';
import { refreshIdleSeeds } from './idle-refresh.ts';
import type { ReadQuota } from './quota.ts';
import type { SeedId } from './seed-facts.ts';
import { testCredential } from './testing/index.ts';
import type { RefreshOutcome } from './verify-and-refresh.ts';

let ground: Ground;
let seedId: SeedId;
beforeEach(async () => {
  ground = openGround();
  seedId = await ground.captured();
});
afterEach(() => ground[Symbol.asyncDispose]());

const second = testCredential({ ...ada, token: 'token-2', at: 2 });
const says = (outcome: RefreshOutcome) => async (): Promise<RefreshOutcome> => outcome;

describe('a verification', () => {
  test('saves the token that comes out, and frees the seed', async () => {
    const seeds = ground.seeds({ journal: createMemoryJournal() });
    const verified = await seeds.verifyAndRefresh(seedId, says({ outcome: 'refreshed', bytes: second }));
    expect(verified).toEqual({ seedId, outcome: 'refreshed' });
    expect((await seeds.get(seedId)).lineage.at(-1)).toMatchObject({ how: 'refreshed' });
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });

  test('keeps what the login has left, asked for with the token that came out', async () => {
    const seeds = ground.seeds({ journal: createMemoryJournal() });
    const quota = { takenMs: 5, windows: [{ label: 'day', usedPercent: 100, resetsMs: 1_800_000_000_000 }] };
    const asked: string[] = [];
    const verified = await seeds.verifyAndRefresh(seedId, says({ outcome: 'refreshed', bytes: second }), {
      async readQuota(bytes) {
        asked.push(JSON.parse(Buffer.from(bytes).toString()).token);
        return { outcome: 'known', quota };
      },
    });
    expect(verified).toEqual({ seedId, outcome: 'refreshed', quota });
    expect(asked).toEqual(['token-2']);
    expect((await seeds.get(seedId)).quota).toEqual(quota);
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({
      refusals: [{ reason: 'exhausted', untilMs: 1_800_000_000_000 }],
    });
  });

  test('counts all the same where nobody knows what the login has left', async () => {
    const seeds = ground.seeds({ journal: createMemoryJournal() });
    await seeds.recordQuota(seedId, { takenMs: 5, windows: [{ label: 'day', usedPercent: 3 }] });
    const readQuota = () => Promise.reject(new Error('HTTP 503'));
    expect(await seeds.verifyAndRefresh(seedId, says({ outcome: 'alive' }), { readQuota })).toEqual({
      seedId,
      outcome: 'alive',
    });
    expect(ground.types()).toContain('quota-unknown');
    expect((await seeds.get(seedId)).quota?.takenMs).toBe(5);
  });

  test('does not ask what a login has left that is no more', async () => {
    const readQuota = vi.fn<ReadQuota>();
    await ground
      .seeds()
      .verifyAndRefresh(seedId, says({ outcome: 'invalid', reason: 'revoked' }), { readQuota });
    expect(readQuota).not.toHaveBeenCalled();
  });

  test('retires a seed when the provider itself says that the grant is no more', async () => {
    const seeds = ground.seeds();
    const answer = says({ outcome: 'invalid', reason: 'invalid_grant: refresh_token_reused' });
    expect(await seeds.verifyAndRefresh(seedId, answer)).toMatchObject({ outcome: 'retired' });
    await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({
      refusals: [{ reason: 'retired', detail: 'invalid_grant: refresh_token_reused' }],
    });
    expect(ground.types()).toEqual(['retired']);
  });

  test.each([
    ['too many requests', says({ outcome: 'unknown', reason: 'HTTP 429' })],
    ['a failing server', says({ outcome: 'unknown', reason: 'HTTP 503' })],
    ['a page of a captive portal', says({ outcome: 'unknown', reason: 'HTTP 200 with HTML' })],
    [
      'no answer',
      async (): Promise<RefreshOutcome> => {
        throw new TypeError('fetch failed');
      },
    ],
    ['something that is no login', says({ outcome: 'refreshed', bytes: Buffer.from('<html>') })],
    [
      'the login of somebody else',
      says({ outcome: 'refreshed', bytes: testCredential({ account: 'eve', token: 'e', at: 9 }) }),
    ],
  ])('changes nothing after %s', async (_, refresh) => {
    const seeds = ground.seeds({ journal: createMemoryJournal() });
    const before = await seeds.get(seedId);
    expect(await seeds.verifyAndRefresh(seedId, refresh)).toMatchObject({ outcome: 'unknown' });
    const { status, lineage, aside } = await seeds.get(seedId);
    expect({ status, lineage, aside }).toEqual({ status: 'alive', lineage: before.lineage, aside: [] });
    expect(await ground.storedToken(seedId)).toBe('token-1');
  });

  test('does not touch a seed that somebody holds', async () => {
    await using _lease = await ground.seeds().acquire({ seedId }, 'session');
    const refresh = vi.fn(says({ outcome: 'refreshed', bytes: second }));
    expect(await ground.seeds().verifyAndRefresh(seedId, refresh)).toMatchObject({ outcome: 'busy' });
    expect(refresh).not.toHaveBeenCalled();
  });

  test('holds the seed while the provider takes its time', async () => {
    const answer = Promise.withResolvers<RefreshOutcome>();
    const verifying = ground.seeds().verifyAndRefresh(seedId, () => answer.promise);
    await ground.clock.advance(LEASE_MS * 3);
    await expect(ground.seeds().acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({
      refusals: [{ reason: 'leased' }],
    });
    answer.resolve({ outcome: 'alive' });
    expect(await verifying).toMatchObject({ outcome: 'alive' });
  });

  test('does not ask about a key: it is alive by being there', async () => {
    const key = await ground.captured({ account: 'ci', token: 'key-1', at: 1, way: 'key' });
    const refresh = vi.fn(says({ outcome: 'unknown', reason: '' }));
    expect(await ground.seeds().verifyAndRefresh(key, refresh)).toMatchObject({ outcome: 'alive' });
    expect(refresh).not.toHaveBeenCalled();
  });

  test('spends nothing when it could not write down what came out', async () => {
    const journal = createMemoryJournal();
    journal.failWrites();
    const refresh = vi.fn(says({ outcome: 'refreshed', bytes: second }));
    await expect(ground.seeds({ journal }).verifyAndRefresh(seedId, refresh)).rejects.toMatchObject({
      code: 'journal-failed',
    });
    expect(refresh).not.toHaveBeenCalled();
  });

  test('journals what it cannot save, and the seed is held back until that is told', async () => {
    const journal = createMemoryJournal();
    const seeds = ground.seeds({ journal });
    const verifying = seeds.verifyAndRefresh(seedId, async () => {
      ground.store.goAway();
      return { outcome: 'refreshed', bytes: second };
    });
    expect(await ground.clock.until(verifying)).toMatchObject({ outcome: 'journaled' });
    ground.store.comeBack();
    await expect(
      ground.seeds({ journal: 'none' }).acquire({ pool: 'team' }, 'on another machine'),
    ).rejects.toMatchObject({ code: 'unavailable' });
    await ground.clock.advance(60_000);
    expect(ground.types()).toContain('caught-up');
    expect(await ground.storedToken(seedId)).toBe('token-2');
    expect(journal.size()).toBe(0);
  });

  test('that dies with its answer unknown leaves a seed that is suspect, and is not given out before', async () => {
    const journal = createMemoryJournal();
    const dying = ground.store.another();
    const first = ground.seeds({ store: dying, journal: journal.another('dying') });
    await new Promise<void>((resolve) => {
      const never = (): Promise<never> => {
        resolve();
        return new Promise(() => undefined);
      };
      first.verifyAndRefresh(seedId, never).catch(() => undefined);
    });
    dying.goAway();
    journal.die('dying');
    await ground.clock.advance(LEASE_MS * 2);
    await expect(ground.seeds().acquire({ pool: 'team' }, 'elsewhere')).rejects.toMatchObject({
      refusals: [{ reason: 'unsettled' }],
    });
    const next = ground.seeds({ journal });
    await using _lease = await next.acquire({ pool: 'team' }, 'same machine');
    expect((await next.get(seedId)).status).toBe('suspect');
  });

  test('revives a seed that was suspect or retired', async () => {
    const seeds = ground.seeds();
    await seeds.verifyAndRefresh(seedId, says({ outcome: 'invalid', reason: 'invalid_grant' }));
    await seeds.verifyAndRefresh(seedId, says({ outcome: 'alive' }));
    expect((await seeds.get(seedId)).status).toBe('alive');
    expect(ground.types()).toEqual(['retired', 'revived']);
  });
});

describe('seeds that nobody uses', () => {
  test('are refreshed when they are old, one after the other; keys and those in use are left alone', async () => {
    const key = await ground.captured({ account: 'ci', token: 'key-1', at: 1, way: 'key' });
    const fresh = await ground.captured({ account: 'new', token: 'n-1', at: 1_700_000_000_000 });
    const used = await ground.captured({ account: 'used', token: 'u-1', at: 1 });
    const seeds = ground.seeds();
    await using lease = await seeds.acquire({ seedId: used }, 'session');
    await lease.plant({ host: ground.host, home: homeOf('used') });
    const verified: string[] = [];
    for await (const { seedId: id } of seeds.refreshIdle({ refresh: says({ outcome: 'alive' }) }))
      verified.push(id);
    expect(verified).toEqual([seedId]);
    expect([key, fresh, used]).not.toContain(seedId);
  });

  test('are asked what they have left where that is not known or old, also when they need no refresh', async () => {
    const nowMs = 1_700_000_000_000;
    const day = (usedPercent: number) => ({ takenMs: nowMs, windows: [{ label: 'day', usedPercent }] });
    const unknown = await ground.captured({ account: 'new', token: 'n-1', at: nowMs });
    const known = await ground.captured({ account: 'known', token: 'k-1', at: nowMs });
    const stale = await ground.captured({ account: 'stale', token: 's-1', at: nowMs });
    const key = await ground.captured({ account: 'ci', token: 'key-1', at: 1, way: 'key' });
    const seeds = ground.seeds();
    await seeds.recordQuota(known, day(20));
    await seeds.recordQuota(stale, { ...day(30), takenMs: nowMs - 7_200_000 });
    const readQuota: ReadQuota = async () => ({ outcome: 'known', quota: day(77) });
    const round = seeds.refreshIdle({ refresh: says({ outcome: 'alive' }), readQuota });
    const verified = await Array.fromAsync(round);
    expect(new Map(verified.map((each) => [each.seedId, each.outcome]))).toEqual(
      new Map([
        [seedId, 'alive'],
        [unknown, 'quota-read'],
        [stale, 'quota-read'],
      ]),
    );
    const used = async (id: SeedId) => (await seeds.get(id)).quota?.windows[0]?.usedPercent;
    expect([await used(seedId), await used(unknown), await used(stale), await used(known)]).toEqual([
      77, 77, 77, 20,
    ]);
    expect((await seeds.get(key)).quota).toBeUndefined();
    expect((await seeds.get(unknown)).lastLeasedMs).toBeUndefined();
  });

  test('are looked after round by round until it is ended, also after a round that failed', async () => {
    let rounds = 0;
    const failures: unknown[] = [];
    const enough = Promise.withResolvers<void>();
    const keeper = refreshIdleSeeds(
      {
        async *refreshIdle() {
          rounds += 1;
          if (rounds === 1) throw new Error('the store is away');
          if (rounds === 3) enough.resolve();
          yield { seedId, outcome: 'alive' };
        },
      },
      { refresh: says({ outcome: 'alive' }), everyMs: 1, onFailure: (failure) => failures.push(failure) },
    );
    await enough.promise;
    await keeper[Symbol.asyncDispose]();
    expect(failures).toHaveLength(1);
  });
});
