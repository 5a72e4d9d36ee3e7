import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, openGround } from '../test/ground.ts';
import type { CredentialKind, SeedId, Seeds, SeedsOptions } from './index.ts';
import type { SeedStore } from './seed-store.ts';
import { openSqliteSeedStore } from './sqlite/index.ts';
import { testCredential, testCredentialKind } from './testing/index.ts';

const NONE = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 8.64e15 + 1, 1e306];

let ground: Ground;
let folder: string;
let store: SeedStore;
beforeEach(async () => {
  ground = openGround();
  folder = await mkdtemp(join(tmpdir(), 'seeds-'));
  // What is kept as text cannot keep what is no number.
  store = await openSqliteSeedStore({ file: join(folder, `${randomUUID()}.db`) });
});
afterEach(async () => {
  await ground[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function captured(options: Partial<SeedsOptions> = {}): Promise<{ seeds: Seeds; id: SeedId }> {
  const seeds = ground.seeds({ store, ...options });
  await ground.write(homeOf('login'), ada);
  return { seeds, id: await seeds.capture({ host: ground.host, home: homeOf('login'), pool: 'team' }) };
}

describe('a time that is none', () => {
  test.each(NONE)('is refused in a quota, and the seed is as it was: %d', async (time) => {
    const { seeds, id } = await captured();
    const window = { label: 'day', usedPercent: 100 };
    for (const quota of [
      { takenMs: 1, windows: [{ ...window, resetsMs: time }] },
      { takenMs: time, windows: [window] },
    ])
      await expect(seeds.recordQuota(id, quota)).rejects.toMatchObject({ code: 'invalid-config' });
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).toBe(id);
  });

  test.each(NONE)('that a token says of itself is not kept, and the token is: %d', async (time) => {
    const kind: CredentialKind = {
      ...testCredentialKind,
      read(bytes) {
        const reading = testCredentialKind.read(bytes);
        if (reading.state !== 'logged-in') return reading;
        return { ...reading, refreshedAtMs: time, expiresAtMs: time };
      },
    };
    const { seeds, id } = await captured({ kind });
    {
      await using lease = await seeds.acquire({ seedId: id }, 'task');
      const next = testCredential({ ...ada, token: 'token-2', at: 2 });
      expect(await lease.writeBack(next)).toMatchObject({ outcome: 'saved' });
    }
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(JSON.parse(Buffer.from(await lease.take()).toString())).toMatchObject({ token: 'token-2' });
  });
});

test('what could not be read again is not written', async () => {
  const { seeds, id } = await captured();
  const notText: unknown = 5;
  await expect(seeds.label(id, notText as string)).rejects.toMatchObject({
    code: 'invalid-config',
    message: expect.stringContaining('label'),
  });
  expect(await seeds.get(id)).toMatchObject({ status: 'alive' });
});
