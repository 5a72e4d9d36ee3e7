import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, openGround } from '../test/ground.ts';
import type { Credential, CredentialKind } from './credential-kind.ts';
import type { SeedId } from './seed-facts.ts';
import type { SeedLease } from './seed-lease.ts';
import { testCredential, testCredentialKind } from './testing/index.ts';

let ground: Ground;
let seedId: SeedId;
beforeEach(async () => {
  ground = openGround();
  seedId = await ground.captured();
});
afterEach(() => ground[Symbol.asyncDispose]());

const second = testCredential({ ...ada, token: 'token-2', at: 2 });
const third = testCredential({ ...ada, token: 'token-3', at: 3 });

/** A holder whose lease lapses because its store is away, and who comes back. */
async function lateHolder(): Promise<{ lease: SeedLease; comeBack: () => void }> {
  const store = ground.store.another();
  const lease = await ground.seeds({ store }).acquire({ seedId }, 'late');
  store.goAway();
  await ground.clock.advance(LEASE_MS + 1);
  return { lease, comeBack: () => store.comeBack() };
}

describe('what a session’s credential has become', () => {
  test('is saved once, however often it is told', async () => {
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'unchanged' });
    expect(await lease.writeBack(third)).toMatchObject({ outcome: 'saved' });
    const { lineage } = await ground.seeds().get(seedId);
    expect(lineage.map(({ how }) => how)).toEqual(['captured', 'rotated', 'rotated']);
    expect(lineage.map(({ parent }) => parent)).toEqual([
      undefined,
      lineage[0]?.generation,
      lineage[1]?.generation,
    ]);
    expect(lineage[2]?.holder).toBe(lease.holder);
  });

  test('is saved when its holder comes late, and alone: it is the only good one', async () => {
    const { lease, comeBack } = await lateHolder();
    comeBack();
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
    await lease[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe('token-2');
  });

  test('is kept aside when another has rotated meanwhile, and neither of the two is lost', async () => {
    const { lease, comeBack } = await lateHolder();
    {
      await using other = await ground.seeds().acquire({ seedId }, 'other');
      expect(await other.writeBack(third)).toMatchObject({ outcome: 'saved' });
    }
    comeBack();
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'kept-aside', reason: 'conflict' });
    await lease[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe('token-3');
    const seeds = ground.seeds();
    const { aside, status } = await seeds.get(seedId);
    expect({ aside, status }).toMatchObject({ aside: [{ reason: 'conflict' }], status: 'suspect' });
    expect(ground.types()).toContain('kept-aside');
    await seeds.restore(seedId, aside[0]?.generation ?? '');
    expect(await ground.storedToken(seedId)).toBe('token-2');
    expect((await seeds.get(seedId)).aside).toMatchObject([{ reason: 'replaced' }]);
  });

  test('is saved when what was found at its place meanwhile, in its name, is what it came out of', async () => {
    const store = ground.store.another();
    const late = await ground.seeds({ store }).acquire({ seedId }, 'late');
    await late.plant({ host: ground.host, home: homeOf('late') });
    store.goAway();
    await ground.clock.advance(LEASE_MS + 1);
    await ground.write(homeOf('late'), { ...ada, token: 'token-2', at: 2 });
    await using other = await ground.seeds().acquire({ seedId }, 'other');
    store.comeBack();
    const sameSecond = testCredential({ ...ada, token: 'token-1b', at: 2 });
    expect(await late.writeBack(sameSecond)).toMatchObject({ outcome: 'kept-aside', reason: 'conflict' });
    expect(await late.writeBack(third)).toMatchObject({ outcome: 'saved' });
    await late[Symbol.asyncDispose]();
    await other[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe('token-3');
  });

  test('is saved although the store gave no answer: the next look finds its own work', async () => {
    let isLate = false;
    const store = ground.store.another({
      intercept(operation, moment) {
        if (!isLate || operation !== 'update' || moment !== 'after') return;
        isLate = false;
        throw Object.assign(new Error('the answer was lost'), { code: 'store-unavailable' });
      },
    });
    await using lease = await ground.seeds({ store }).acquire({ seedId }, 'task');
    isLate = true;
    await expect(lease.writeBack(second)).rejects.toMatchObject({ code: 'not-saved' });
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'unchanged' });
    expect((await ground.seeds().get(seedId)).lineage).toHaveLength(2);
  });

  test.each([
    ['a log-out', testCredential({ account: 'ada', at: 5 }), { outcome: 'ignored', reason: 'logged-out' }],
    ['half a file', second.subarray(0, 20), { outcome: 'ignored', reason: 'unreadable' }],
    ['nothing', new Uint8Array(), { outcome: 'ignored', reason: 'unreadable' }],
    [
      'another account',
      testCredential({ account: 'eve', token: 'x', at: 9 }),
      { outcome: 'ignored', reason: 'foreign-account' },
    ],
    [
      'a key in the place of a login',
      testCredential({ ...ada, token: 'key', at: 9, way: 'key' }),
      { outcome: 'kept-aside', reason: 'doubtful' },
    ],
  ])('is not taken for it: %s', async (_, bytes, outcome) => {
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    expect(await lease.writeBack(bytes)).toMatchObject(outcome);
    expect(ground.types()).toEqual([outcome.outcome]);
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
  });

  test('is saved although clocks went back between: what it came out of is kept, and the seed comes last', async () => {
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    const earlier = testCredential({ ...ada, token: 'token-2', at: 0 });
    expect(await lease.writeBack(earlier)).toMatchObject({ outcome: 'saved' });
    const { aside, lineage, status } = await ground.seeds().get(seedId);
    expect({ aside, status }).toMatchObject({ aside: [{ reason: 'replaced' }], status: 'suspect' });
    expect(aside[0]?.generation).toBe(lineage[0]?.generation);
    expect(await lease.writeBack(third)).toMatchObject({ outcome: 'saved' });
    expect(await ground.seeds().get(seedId)).toMatchObject({ status: 'alive' });
  });

  test('is saved where it names the account that the one before did not name', async () => {
    const { account: _, ...nameless } = testCredentialKind.read(testCredential(ada)) as Credential;
    const kind: CredentialKind = {
      ...testCredentialKind,
      read: (bytes) =>
        Buffer.from(bytes).equals(testCredential(ada)) ? nameless : testCredentialKind.read(bytes),
      succeeds: () => true,
    };
    await using lease = await ground.seeds({ kind }).acquire({ seedId }, 'task');
    expect(await lease.writeBack(second)).toMatchObject({ outcome: 'saved' });
  });

  test('is of use when only what is not spent is newer', async () => {
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    expect(await lease.writeBack(testCredential({ ...ada, at: 7 }))).toMatchObject({ outcome: 'saved' });
    const { lineage, refreshedMs } = await ground.seeds().get(seedId);
    expect({ generations: lineage.length, refreshedMs }).toEqual({ generations: 1, refreshedMs: 7 });
  });

  test('is passed over when it is what the store had before', async () => {
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    await lease.writeBack(second);
    expect(await lease.writeBack(testCredential({ ...ada, at: 99 }))).toMatchObject({
      outcome: 'superseded',
    });
  });

  test('cannot push out what others left, however many one holder forges', async () => {
    const { lease, comeBack } = await lateHolder();
    await using other = await ground.seeds().acquire({ seedId }, 'other');
    await other.writeBack(third);
    comeBack();
    await lease.writeBack(second);
    await lease[Symbol.asyncDispose]();
    const genuine = (await ground.seeds().get(seedId)).lineage.at(-1)?.generation;
    for (let forged = 0; forged < 30; forged += 1)
      await other.writeBack(testCredential({ ...ada, token: `forged-${forged}`, at: 0 }));
    const { aside } = await ground.seeds().get(seedId);
    expect(aside.map(({ reason }) => reason)).toEqual(['conflict', 'replaced']);
    // What came before all that was forged.
    expect(aside[1]?.generation).toBe(genuine);
  });

  test('is kept with the two before it where its holder goes on in conflict', async () => {
    const { lease, comeBack } = await lateHolder();
    await using other = await ground.seeds().acquire({ seedId }, 'other');
    await other.writeBack(third);
    comeBack();
    for (let number = 10; number < 15; number += 1)
      await lease.writeBack(testCredential({ ...ada, token: `token-${number}`, at: number }));
    await lease[Symbol.asyncDispose]();
    const { aside } = await ground.seeds().get(seedId);
    expect(aside.map(({ reason }) => reason)).toEqual(['conflict', 'conflict', 'conflict']);
    await other[Symbol.asyncDispose]();
    await ground.seeds().restore(seedId, aside.at(-1)?.generation ?? '');
    expect(await ground.storedToken(seedId)).toBe('token-14');
  });

  test('revives a seed that was thought to be dead: the provider has just renewed it', async () => {
    const stored = await ground.store.get(seedId);
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    const now = await ground.store.get(seedId);
    if (stored === undefined || now === undefined) throw new Error('the seed is gone');
    await ground.store.update(now, { facts: { ...now.facts, status: 'retired', statusReason: 'a mistake' } });
    await lease.writeBack(second);
    const overview = await ground.seeds().get(seedId);
    expect(overview.status).toBe('alive');
    expect(overview.statusReason).toBeUndefined();
  });
});

describe('a running session', () => {
  test('gets what another’s late save has made newer than its own copy', async () => {
    const { lease: late, comeBack } = await lateHolder();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: homeOf('task') });
    comeBack();
    expect(await late.writeBack(second)).toMatchObject({ outcome: 'saved' });
    await ground.clock.advance(LEASE_MS / 3 + 1);
    expect(await ground.read(homeOf('task'))).toMatchObject({ token: 'token-2' });
    expect(ground.types()).toContain('updated');
    await ground.write(homeOf('task'), { ...ada, token: 'token-4', at: 4 });
    await lease[Symbol.asyncDispose]();
    expect(await ground.storedToken(seedId)).toBe('token-4');
    await late[Symbol.asyncDispose]();
  });

  test('gets nothing any more once it ends: its home may be gone', async () => {
    const { lease: late, comeBack } = await lateHolder();
    const reading = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    let isSlow = false;
    // What ends the lease is slower than whatever else there is.
    let isFirst = false;
    const store = ground.store.another({
      async intercept(operation, moment) {
        if (!isFirst || operation !== 'update' || moment !== 'before') return;
        isFirst = false;
        await ground.clock.sleep(10);
      },
    });
    const readFile: Ground['host']['readFile'] = async (...args) => {
      if (isSlow) {
        isSlow = false;
        reading.resolve();
        await goOn.promise;
      }
      return await ground.host.readFile(...args);
    };
    const lease = await ground.seeds({ store }).acquire({ seedId }, 'task');
    await lease.plant({ host: { ...ground.host, readFile }, home: homeOf('task') });
    comeBack();
    await late.writeBack(second);
    await late[Symbol.asyncDispose]();
    isSlow = true;
    const ending = lease[Symbol.asyncDispose]();
    await reading.promise;
    // A renewal meanwhile has seen what is newer.
    await ground.clock.advance(LEASE_MS / 3 + 1);
    isFirst = true;
    goOn.resolve();
    await ground.clock.advance(LEASE_MS);
    await ending;
    expect(await ground.read(homeOf('task'))).toMatchObject({ token: 'token-1' });
    expect(ground.types()).not.toContain('updated');
  });

  test('keeps its own copy where it has rotated too: both are kept', async () => {
    const { lease: late, comeBack } = await lateHolder();
    await using lease = await ground.seeds().acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: homeOf('task') });
    comeBack();
    await late.writeBack(second);
    await ground.write(homeOf('task'), { ...ada, token: 'token-3', at: 3 });
    await ground.clock.advance(LEASE_MS / 3 + 1);
    expect(await ground.read(homeOf('task'))).toMatchObject({ token: 'token-3' });
    expect((await ground.seeds().get(seedId)).aside).toMatchObject([{ reason: 'conflict' }]);
    await late[Symbol.asyncDispose]();
  });
});
