import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { openSeedGround } from '../../test/seed-ground.ts';
import { writeConfigToml } from '../task-home/config-toml.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

describe.each(supportedVersions)('a session of Codex %s under a login that was captured', (version) => {
  test.each(['on this machine', 'through SSH'] as const)(
    '%s starts logged in, and its successor is stored before it ends',
    { timeout: 120_000 },
    async (where) => {
      await using ground = await openSeedGround({ version, where });
      const { oauth } = ground;
      await using drawer = await ground.drawer();
      const seedId = await ground.setUp(drawer);
      expect(existsSync(join(ground.folder, 'setup'))).toBe(false);

      const session = await ground.session({ seed: { from: drawer.seeds, use: { pool: 'team' } } });
      const planted = await ground.generationIn('work');
      expect((await session.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
      const tokens = JSON.parse(await readFile(ground.authJson('work'), 'utf8'));
      await oauth.expireAccess('account-1');
      expect((await session.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
      const { generation } = await drawer.saw('saved');
      expect(generation).toBe(await ground.generationIn('work'));
      expect(generation).not.toBe(planted);
      expect(JSON.parse(await readFile(ground.authJson('work'), 'utf8'))).not.toEqual(tokens);
      const { lineage, lease } = await drawer.seeds.get(seedId);
      expect(lineage.map(({ how }) => how)).toEqual(['captured', 'rotated']);
      expect(lease?.holder).toContain('task-1');

      expect(await session.end()).toMatchObject({ state: 'done', failures: [] });
      const after = await drawer.seeds.get(seedId);
      expect([after.status, after.lease]).toEqual(['alive', undefined]);
      // The store has it: on the host it could only be spent by mistake.
      expect(existsSync(ground.authJson('work'))).toBe(false);
      expect(await processesWithEnvironment(ground.host, ground.mark)).toEqual([]);
      const { refreshTokens, spentTwice } = await oauth.audit();
      expect(spentTwice).toEqual([]);
      expect(refreshTokens.map(({ state }) => state)).toEqual(['spent', 'live']);
    },
  );

  test('that has run out before Codex starts is saved as well', { timeout: 120_000 }, async () => {
    await using ground = await openSeedGround({ version });
    const { host } = ground;
    await using drawer = await ground.drawer();
    const home = hostPath(join(ground.folder, 'expired/home'));
    await host.makeDirectory(hostPath(`${home}/.codex`));
    const expired = await ground.oauth.logIn(undefined, { accessTokenMs: -1_000 });
    await host.writeFile(hostPath(ground.authJson('expired')), expired);
    await host.writeFile(hostPath(`${home}/.codex/config.toml`), writeConfigToml(ground.loginConfig));
    const seedId = await drawer.seeds.capture({ host, home, pool: 'team' });
    {
      await using session = await ground.session({ seed: { from: drawer.seeds, use: { seedId } } });
      await drawer.saw('saved');
      expect((await session.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    }
    const { lineage } = await drawer.seeds.get(seedId);
    expect(lineage.map(({ how }) => how)).toEqual(['captured', 'rotated']);
    expect((await ground.oauth.audit()).spentTwice).toEqual([]);
  });
});
