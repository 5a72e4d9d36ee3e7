import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../test/ground.ts';
import { SeedUnavailableError } from './seed-error.ts';
import { testCredential } from './testing/index.ts';

let ground: Ground;
beforeEach(() => {
  ground = openGround();
});
afterEach(() => ground[Symbol.asyncDispose]());

/** What acquiring is refused with. */
async function refusal(work: Promise<unknown>): Promise<SeedUnavailableError> {
  const failure = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (failure instanceof SeedUnavailableError) return failure;
  throw new Error(`not refused with a SeedUnavailableError: ${String(failure)}`);
}

describe('a lease', () => {
  test('is one holder’s, who keeps it from acquisition to disposal, whatever it does meanwhile', async () => {
    const seedId = await ground.captured();
    const [here, there] = [ground.seeds(), ground.seeds()];
    const lease = await here.acquire({ seedId }, 'task');
    for (let minutes = 0; minutes < 30; minutes += 1) {
      await ground.clock.advance(60_000);
      expect((await refusal(there.acquire({ pool: 'team' }, 'other'))).refusals).toMatchObject([
        { seedId, reason: 'leased' },
      ]);
    }
    expect(lease.signal.aborted).toBe(false);
    await lease[Symbol.asyncDispose]();
    await using next = await there.acquire({ pool: 'team' }, 'other');
    expect(next.fence).toBe(lease.fence + 1);
  });

  test('outlives a question that is never answered: the store is asked again meanwhile', async () => {
    const seedId = await ground.captured();
    let silenced = 0;
    let isHeld = false;
    const store = ground.store.another({
      async intercept(operation) {
        if (!isHeld || operation !== 'get' || silenced > 0) return;
        silenced += 1;
        await new Promise(() => undefined);
      },
    });
    await using lease = await ground.seeds({ store }).acquire({ seedId }, 'task');
    isHeld = true;
    for (let minutes = 0; minutes < 5; minutes += 1) await ground.clock.advance(LEASE_MS);
    expect(silenced).toBe(1);
    expect(ground.types()).toContain('renewal-failed');
    expect(lease.signal.aborted).toBe(false);
    expect((await refusal(ground.seeds().acquire({ seedId }, 'other'))).refusals).toMatchObject([
      { reason: 'leased' },
    ]);
  });

  test('does not end before a plant that nobody waits for any more, and allows none after it', async () => {
    const seedId = await ground.captured();
    const lease = await ground.seeds().acquire({ seedId }, 'task');
    const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const host = {
      ...ground.host,
      async readFile(...file: Parameters<typeof ground.host.readFile>) {
        reached.resolve();
        await goOn.promise;
        return await ground.host.readFile(...file);
      },
    };
    const [home, other] = [homeOf('task'), homeOf('other')];
    const planting = lease.plant({ host, home });
    await reached.promise;
    const ending = Promise.resolve(lease[Symbol.asyncDispose]());
    const refused = { name: 'SeedError', code: 'lease-lost', message: expect.stringContaining('has ended') };
    await expect(lease.plant({ host: ground.host, home: other })).rejects.toMatchObject(refused);
    await expect(lease.take()).rejects.toMatchObject(refused);
    expect(() => lease.watch()).toThrow(expect.objectContaining(refused));
    await ground.clock.advance(1_000);
    expect((await ground.store.get(seedId))?.facts.lease?.holder).toBe(lease.holder);
    goOn.resolve();
    await ground.clock.until(Promise.all([planting, ending]));
    expect(await ground.read(home)).toMatchObject({ token: 'token-1' });
    // What is rotated there after the end is still the only good token, and never refused.
    await lease.writeBack(testCredential({ ...ada, token: 'token-2', at: 2 }));
    expect((await ground.store.get(seedId))?.facts.lease).toBeUndefined();
    expect(await ground.storedToken(seedId)).toBe('token-2');
    await expect(lease.take()).rejects.toMatchObject(refused);
  });

  test('is not fought for by those who want one in the same program', async () => {
    for (const token of ['a', 'b', 'c']) await ground.captured({ account: token, token, at: 1 });
    const tried: boolean[] = [];
    const store = {
      ...ground.store,
      async update(...change: Parameters<typeof ground.store.update>) {
        const isDone = await ground.store.update(...change);
        tried.push(isDone);
        return isDone;
      },
    };
    const seeds = ground.seeds({ store });
    const takers = Array.from({ length: 12 }, (_, number) =>
      seeds.acquire({ pool: 'team' }, `task ${number}`),
    );
    const results = await Promise.allSettled(takers);
    const leases = results.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    expect(new Set(leases.map(({ seedId }) => seedId)).size).toBe(3);
    expect(tried).toEqual([true, true, true]);
    const refused = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.refusals] : []));
    expect(refused).toHaveLength(9);
    for (const refusals of refused)
      expect(refusals.map(({ reason }: { reason: string }) => reason)).toEqual([
        'leased',
        'leased',
        'leased',
      ]);
    for (const lease of leases) await lease[Symbol.asyncDispose]();
  });

  test('of a login that was deleted and captured again is given like any other', async () => {
    const seeds = ground.seeds();
    for (let again = 0; again < 3; again += 1) {
      const seedId = await ground.captured();
      {
        await using lease = await seeds.acquire({ seedId }, 'task');
        expect(lease.fence).toBe(1);
      }
      await seeds.delete(seedId);
    }
  });

  test('says who has the seed and when it may be free', async () => {
    const seedId = await ground.captured();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    const failure = await refusal(ground.seeds().acquire({ seedId }, 'other'));
    expect(failure.nextFreeMs).toBe((await ground.seeds().get(seedId)).lease?.expiresMs);
    expect(failure.message).toContain(lease.holder);
  });

  test('lapses when its program dies, and is lost to it even if it only slept', async () => {
    const seedId = await ground.captured();
    const away = ground.store.another();
    const sleeper = ground.seeds({ store: away });
    const lease = await sleeper.acquire({ seedId }, 'sleeper');
    away.goAway();
    await ground.clock.advance(LEASE_MS + 1);
    expect(lease.signal.aborted).toBe(true);
    expect(lease.signal.reason).toMatchObject({ code: 'lease-lost' });
    await using next = await ground.seeds().acquire({ seedId }, 'next');
    away.comeBack();
    await lease[Symbol.asyncDispose]();
    expect(await ground.seeds().get(seedId)).toMatchObject({ lease: { holder: next.holder } });
  });

  test('survives a store that is away for less than its time', async () => {
    const seedId = await ground.captured();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    await ground.clock.advance(1_000);
    ground.store.goAway();
    await ground.clock.advance(LEASE_MS * 0.8);
    ground.store.comeBack();
    await ground.clock.advance(LEASE_MS * 3);
    expect(lease.signal.aborted).toBe(false);
    expect(ground.types()).toContain('renewal-failed');
  });

  test('is given up here before anybody else can have it, when the store does not answer at all', async () => {
    const seedId = await ground.captured();
    let isSilent = false;
    const silent = ground.store.another({
      intercept: () => (isSilent ? new Promise<never>(() => undefined) : undefined),
    });
    const lease = await ground.seeds({ store: silent }).acquire({ seedId }, 'task');
    isSilent = true;
    await ground.clock.advance(LEASE_MS * (5 / 6));
    expect(lease.signal.aborted).toBe(true);
    // Time to end what uses it.
    await ground.clock.advance(LEASE_MS / 6 - 1_000);
    await refusal(ground.seeds().acquire({ seedId }, 'other'));
  });

  test('of a name that is used twice is two leases: the end of the first does not free the second', async () => {
    const seedId = await ground.captured();
    const away = ground.store.another();
    const first = await ground.seeds({ store: away }).acquire({ seedId }, 'same name');
    away.goAway();
    await ground.clock.advance(LEASE_MS + 1);
    await using second = await ground.seeds().acquire({ seedId }, 'same name');
    away.comeBack();
    await first[Symbol.asyncDispose]();
    expect((await ground.seeds().get(seedId)).lease?.holder).toBe(second.holder);
    expect(first.holder).not.toBe(second.holder);
    expect(second.signal.aborted).toBe(false);
  });

  test('of a seed that is taken from under it is lost at the next renewal', async () => {
    const seedId = await ground.captured();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    const stored = await ground.store.get(seedId);
    if (stored === undefined) throw new Error('the seed is gone');
    const thief = { holder: 'another program', fence: 0, expiresMs: stored.nowMs + LEASE_MS };
    await ground.store.update(stored, { facts: { ...stored.facts, lease: thief } });
    await ground.clock.advance(LEASE_MS / 3 + 1);
    expect(lease.signal.aborted).toBe(true);
    expect(ground.types()).toContain('lease-lost');
  });

  test('is waited for, and had as soon as it is released here', async () => {
    const seedId = await ground.captured();
    const seeds = ground.seeds();
    const lease = await seeds.acquire({ seedId }, 'task');
    const waiting = seeds.acquire({ pool: 'team' }, 'next', { waitMs: 3_600_000 });
    await ground.clock.advance(100);
    await lease[Symbol.asyncDispose]();
    // Without any time passing.
    await using next = await waiting;
    expect(next.seedId).toBe(seedId);
  });

  test('is waited for until somebody in another program releases it, or the time is over', async () => {
    const seedId = await ground.captured();
    const lease = await ground.seeds().acquire({ seedId }, 'task');
    const other = ground.seeds();
    const tooShort = refusal(other.acquire({ pool: 'team' }, 'impatient', { waitMs: 30_000 }));
    const patient = other.acquire({ pool: 'team' }, 'patient', { waitMs: 600_000 });
    await ground.clock.advance(40_000);
    expect((await tooShort).code).toBe('unavailable');
    await lease[Symbol.asyncDispose]();
    await ground.clock.advance(2_000);
    await using next = await patient;
    expect(next.seedId).toBe(seedId);
  });

  test('is not waited for any longer than the signal lets it be', async () => {
    const seedId = await ground.captured();
    await using _lease = await ground.seeds().acquire({ seedId }, 'task');
    const stop = new AbortController();
    const waiting = ground.seeds().acquire({ seedId }, 'next', { waitMs: 600_000, signal: stop.signal });
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await ground.clock.advance(1_500);
    stop.abort();
    await outcome;
  });

  test('of a seed that does not exist is an error of its own', async () => {
    const id = ground.store.createId('nobody');
    await expect(ground.seeds().acquire({ seedId: id }, 'x')).rejects.toMatchObject({ code: 'not-found' });
    const failure = await refusal(ground.seeds().acquire({ pool: 'nobody' }, 'x'));
    expect(failure.message).toContain('there is none');
  });

  test('keeps its seed from being deleted, and is told when it is all the same', async () => {
    const seedId = await ground.captured();
    const seeds = ground.seeds();
    const lease = await seeds.acquire({ seedId }, 'task');
    await expect(seeds.delete(seedId)).rejects.toMatchObject({ code: 'in-use' });
    expect(await seeds.purge('all')).toEqual({ deleted: [], inUse: [seedId] });
    const stored = await ground.store.get(seedId);
    if (stored !== undefined) await ground.store.remove(stored);
    await ground.clock.advance(LEASE_MS);
    expect(lease.signal.reason).toMatchObject({ code: 'lease-lost' });
    await lease[Symbol.asyncDispose]();
    expect(await seeds.list()).toEqual([]);
  });

  test('is one of several: twenty that ask at once get a seed each, or none', async () => {
    for (let seed = 1; seed <= 5; seed += 1) await ground.captured({ ...ada, token: `of-${seed}` });
    const asked = Array.from({ length: 20 }, (_, task) =>
      ground.seeds().acquire({ pool: 'team' }, `task-${task}`),
    );
    const settled = await ground.clock.until(Promise.allSettled(asked));
    const leases = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(new Set(leases.map(({ seedId }) => seedId)).size).toBe(5);
    expect(leases).toHaveLength(5);
    for (const lease of leases) await lease[Symbol.asyncDispose]();
  });

  test('goes to the seed that was not used for the longest time', async () => {
    const ids = [];
    for (let seed = 1; seed <= 3; seed += 1) ids.push(await ground.captured({ ...ada, token: `of-${seed}` }));
    const seeds = ground.seeds();
    const used: string[] = [];
    for (let round = 0; round < 6; round += 1) {
      await using lease = await seeds.acquire({ pool: 'team' }, 'task');
      used.push(lease.seedId);
      await ground.clock.advance(1_000);
    }
    expect(used.slice(3)).toEqual(used.slice(0, 3));
    expect(used.slice(0, 3).toSorted()).toEqual(ids.toSorted());
  });

  test('renews while its last save and its planting take their time', async () => {
    const seedId = await ground.captured();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: homeOf('task') });
    await ground.clock.advance(LEASE_MS * 5);
    expect(lease.signal.aborted).toBe(false);
  });
});
