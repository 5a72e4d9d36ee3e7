import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Ground, openGround } from '../test/ground.ts';
import { createDirectoryJournal, refreshIdleSeeds, type SealingChoice } from './index.ts';

let ground: Ground;
beforeEach(() => {
  ground = openGround();
});
afterEach(() => ground[Symbol.asyncDispose]());

const invalid = expect.objectContaining({ name: 'SeedError', code: 'invalid-config' });
/** As a program without types, or a misspelt setting, has it. */
const untyped = <T>(value: unknown): T => value as T;

describe('seeds are not made', () => {
  test.each([undefined, null, 'plain', 'Plaintext', '', {}, { current: 'a' }])(
    'with %j to seal them',
    (word) => {
      const sealing = untyped<SealingChoice>(word);
      expect(() => ground.seeds({ sealing })).toThrow(invalid);
      expect(() => createDirectoryJournal({ directory: tmpdir(), sealing })).toThrow(invalid);
    },
  );

  test.each([undefined, null, 'no', {}])('with the journal %j', (word) => {
    expect(() => ground.seeds({ journal: untyped<'none'>(word) })).toThrow(invalid);
  });

  test.each([Number.NaN, -1, 0, 999, Number.POSITIVE_INFINITY])('with leases of %d ms', (leaseMs) => {
    expect(() => ground.seeds({ leaseMs })).toThrow(invalid);
  });
});

describe.each([Number.NaN, -1, Number.POSITIVE_INFINITY, untyped<number>('60')])('a time of %s ms', (ms) => {
  test('is none to wait for a seed', async () => {
    await ground.captured();
    await expect(ground.seeds().acquire({ pool: 'team' }, 'task', { waitMs: ms })).rejects.toEqual(invalid);
    expect((await ground.seeds().list())[0]).not.toHaveProperty('lease');
  });

  test('is none after which a seed is idle, or between two rounds over those that are', async () => {
    const refresh = () => Promise.resolve({ outcome: 'alive' } as const);
    const round = ground.seeds().refreshIdle({ refresh, olderThanMs: ms });
    await expect(Array.fromAsync(round)).rejects.toEqual(invalid);
    expect(() => refreshIdleSeeds(ground.seeds(), { refresh, everyMs: ms })).toThrow(invalid);
    expect(() => refreshIdleSeeds(ground.seeds(), { refresh, olderThanMs: ms })).toThrow(invalid);
  });
});

describe('a purge', () => {
  test.each([undefined, null, {}, 'team', { pool: undefined }])('of %j deletes nothing', async (target) => {
    await ground.captured();
    await expect(ground.seeds().purge(untyped<'all'>(target))).rejects.toEqual(invalid);
    expect(await ground.seeds().list()).toHaveLength(1);
  });

  test('deletes the logins of a pool, or all of them when it is told so', async () => {
    const seeds = ground.seeds();
    const [one, other] = [
      await ground.captured(),
      await ground.captured({ account: 'bob', token: 'b', at: 1 }),
    ];
    await seeds.assignToPool(other, 'others');
    expect(await seeds.purge({ pool: 'team' })).toEqual({ deleted: [one], inUse: [] });
    expect(await seeds.purge('all')).toEqual({ deleted: [other], inUse: [] });
  });
});
