import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import type { SeedDrawer } from '../../test/seed-drawer.ts';
import { openSeedGround, type SeedGround } from '../../test/seed-ground.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const version = '0.169.0';
const timeout = 120_000;

async function lentSession(ground: SeedGround, { seeds }: SeedDrawer) {
  return await ground.session({
    config: ground.loginConfig,
    seed: { from: seeds, use: { pool: 'team' } },
    keepOffHost: { refresh: { tokenUrl: ground.oauth.tokenUrl } },
  });
}

/** The beginning of a payload with a token's own claims: a JWT, whosever it is. */
const TOKEN = /eyJ[\w-]{10,}\.eyJ[\w-]{40,}|rt_[\w-]{20,}/;

async function filesWithTokens(folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // Codex lives, and takes away what it no longer needs.
    const content = await readFile(join(entry.parentPath, entry.name), 'latin1').catch(() => '');
    if (TOKEN.test(content)) found.push(entry.name);
  }
  return found;
}

describe('a login that stays off the host', () => {
  test('does turns there, is refreshed here, and its successor is saved', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    const { oauth } = ground;
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const session = await lentSession(ground, drawer);
    expect((await session.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    await oauth.expireAccess('account-1');
    expect((await session.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
    const { lineage } = await drawer.seeds.get(seedId);
    expect(lineage.map(({ how }) => how)).toEqual(['captured', 'rotated']);
    expect(existsSync(ground.authJson('work'))).toBe(false);
    expect(await filesWithTokens(join(ground.folder, 'work'))).toEqual([]);
    expect(await oauth.logIn()).toMatch(TOKEN);
    expect((await session.end()).failures).toEqual([]);
    const { lease, status } = await drawer.seeds.get(seedId);
    expect([lease, status]).toEqual([undefined, 'alive']);
    const { refreshTokens, requests, spentTwice } = await oauth.audit();
    expect(spentTwice).toEqual([]);
    expect(refreshTokens.slice(0, 2).map(({ state }) => state)).toEqual(['spent', 'live']);
    // One for the login, one from here.
    expect(requests.filter(({ path }) => path === '/oauth/token')).toHaveLength(2);
  });

  test('is not asked for twice when nobody knows whether its token was spent', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    const { oauth } = ground;
    await using drawer = await ground.drawer();
    await ground.setUp(drawer);
    await using session = await lentSession(ground, drawer);
    await oauth.expireAccess('account-1');
    await oauth.fail({ type: 'cut', when: 'done' });
    for (const _ of [1, 2])
      expect((await session.conversation.run('Are you there?')).outcome).toMatchObject({ status: 'failed' });
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('is asked for again after trouble in which nothing was spent', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    const { oauth } = ground;
    await using drawer = await ground.drawer();
    await ground.setUp(drawer);
    await using session = await lentSession(ground, drawer);
    await oauth.expireAccess('account-1');
    await oauth.fail({ type: 'redirect', location: 'http://127.0.0.1:9/' });
    await session.conversation.run('Are you there?');
    expect((await session.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
    const { requests, spentTwice } = await oauth.audit();
    expect(spentTwice).toEqual([]);
    expect(requests.filter(({ path }) => path === '/oauth/token')).toHaveLength(3);
  });

  test('is refused where Codex would write it down, and where there is no seed', { timeout }, async () => {
    await using ground = await openSeedGround({ version: '0.142.5' });
    await using drawer = await ground.drawer();
    await ground.setUp(drawer);
    await expect(lentSession(ground, drawer)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(ground.session({ keepOffHost: true })).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('keepOffHost needs a seed'),
    });
  });
});
