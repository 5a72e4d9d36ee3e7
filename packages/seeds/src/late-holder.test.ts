import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, loginIn, openGround } from '../test/ground.ts';
import { createMemoryJournal } from '../test/memory-journal.ts';
import { without } from './change-seed.ts';
import type { SeedId } from './seed-facts.ts';
import type { SeedLease } from './seed-lease.ts';
import type { Seeds } from './seeds.ts';
import { testCredential } from './testing/index.ts';

let ground: Ground;
let seedId: SeedId;
beforeEach(async () => {
  ground = openGround();
  seedId = await ground.captured();
});
afterEach(() => ground[Symbol.asyncDispose]());

const HOME = homeOf('late');

/** One that has planted its login, and whose lease is over: its store did not answer. It is still there, and so is what it runs. */
async function lateHolder(): Promise<SeedLease> {
  const store = ground.store.another();
  const lease = await ground.seeds({ store }).acquire({ seedId }, 'late');
  await lease.plant({ host: ground.host, home: HOME });
  store.goAway();
  await ground.clock.advance(LEASE_MS + 1);
  store.comeBack();
  return lease;
}

type Rename = Ground['host']['rename'];

/** The host, where something happens when the next holder takes the file away for the first time. */
function whenItIsTaken(taking: (take: () => Promise<void>) => Promise<void>): Ground['host'] {
  let isDue = true;
  const rename: Rename = async (from, to) => {
    const take = (): Promise<void> => ground.host.rename(from, to);
    if (from !== loginIn(HOME) || !isDue) return await take();
    isDue = false;
    await taking(take);
  };
  return { ...ground.host, rename };
}

const SECOND = { ...ada, token: 'token-2', at: 2 };

async function expectThirdFor(seeds: Seeds): Promise<void> {
  const lease = await ground.clock.until(seeds.acquire({ seedId }, 'next'));
  await lease.plant({ host: ground.host, home: homeOf('next') });
  expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-3' });
  await lease[Symbol.asyncDispose]();
}

test('what a late holder saves while the next one plants is what that one has', async () => {
  const late = await ground.seeds().acquire({ seedId }, 'late');
  let isDue = true;
  const writeFile: Ground['host']['writeFile'] = async (...args) => {
    await ground.host.writeFile(...args);
    if (!isDue) return;
    isDue = false;
    await late.writeBack(testCredential(SECOND));
  };
  // As a machine that has stood still.
  const stored = await ground.store.get(seedId);
  if (stored === undefined) throw new Error('the seed is gone');
  await ground.store.update(stored, { facts: without(stored.facts, 'lease') });
  await using next = await ground.seeds().acquire({ seedId }, 'next');
  await next.plant({ host: { ...ground.host, writeFile }, home: HOME });
  expect(await ground.read(HOME)).toMatchObject({ token: 'token-2' });
  await late[Symbol.asyncDispose]();
});

test('what a late holder takes away, with something newer in its journal, is waited for', async () => {
  const store = ground.store.another();
  const seeds = ground.seeds({ store, journal: createMemoryJournal() });
  const late = await seeds.acquire({ seedId }, 'late');
  await late.plant({ host: ground.host, home: HOME });
  store.goAway();
  await ground.clock.advance(LEASE_MS + 1);
  await ground.write(HOME, SECOND);
  const host = whenItIsTaken(async (take) => {
    await ground.write(HOME, { ...ada, token: 'token-3', at: 3 });
    await late[Symbol.asyncDispose]();
    await ground.host.remove(HOME, { recursive: true });
    await take();
  });
  await expect(ground.seeds({ reach: () => host }).acquire({ seedId }, 'next')).rejects.toMatchObject({
    refusals: [{ reason: 'unsettled' }],
  });
  store.comeBack();
  await ground.clock.advance(35_000);
  expect(await ground.storedToken(seedId)).toBe('token-3');
});

describe.each([
  ['in one second', { at: 2, status: 'alive' }],
  ['around a clock that is set back', { at: 1, status: 'suspect' }],
])(
  'what a late holder’s agent rotates twice %s, while the next holder looks at its place',
  (_, { at, status }) => {
    const THIRD = { ...ada, token: 'token-3', at };

    async function expectNoDoubt(): Promise<void> {
      expect(await ground.seeds().get(seedId)).toMatchObject({
        status,
        aside: status === 'alive' ? [] : [{}],
      });
    }

    test('is the seed’s when the late holder saves it', async () => {
      const late = await lateHolder();
      await ground.write(HOME, SECOND);
      const host = whenItIsTaken(async (take) => {
        await ground.write(HOME, THIRD);
        await late[Symbol.asyncDispose]();
        await take();
      });
      await expectThirdFor(ground.seeds({ reach: () => host }));
      await expectNoDoubt();
    });

    test('is the seed’s when the next holder finds it in the file that it has taken', async () => {
      const late = await lateHolder();
      await ground.write(HOME, SECOND);
      const host = whenItIsTaken(async (take) => {
        await ground.write(HOME, THIRD);
        // It does not say from which file it has it.
        expect(await late.writeBack(testCredential(THIRD))).toMatchObject({ outcome: 'kept-aside' });
        await take();
        await late[Symbol.asyncDispose]();
      });
      await expectThirdFor(ground.seeds({ reach: () => host }));
      await expectNoDoubt();
    });

    test('is the seed’s when it is written where the file was taken from', async () => {
      const late = await lateHolder();
      await ground.write(HOME, ada);
      const host = whenItIsTaken(async (take) => {
        await ground.write(HOME, SECOND);
        await take();
        await ground.write(HOME, THIRD);
        await late[Symbol.asyncDispose]();
      });
      await expectThirdFor(ground.seeds({ reach: () => host }));
    });

    test('is the seed’s when who has taken it dies with it in hand', async () => {
      const late = await lateHolder();
      await ground.write(HOME, SECOND);
      const taken = Promise.withResolvers<void>();
      const host = whenItIsTaken(async (take) => {
        await ground.write(HOME, THIRD);
        await take();
        taken.resolve();
        await new Promise<never>(() => undefined);
      });
      const store = ground.store.another();
      void ground
        .seeds({ store, reach: () => host })
        .acquire({ seedId }, 'dying')
        .catch(() => undefined);
      await taken.promise;
      store.goAway();
      await late[Symbol.asyncDispose]();
      await ground.host.remove(HOME, { recursive: true });
      await ground.clock.advance(LEASE_MS + 1);
      await expectThirdFor(ground.seeds());
      await expectNoDoubt();
    });
  },
);
