import { mkdtemp, rmdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hostPath, parentHostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSeeds, type SeedEvent, type SeedId, type Seeds } from '@seedbed/seeds';
import { createMemorySeedStore } from '@seedbed/seeds/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import {
  type LoginGround,
  type LoginHome,
  logInByDevice,
  nextTurn,
  openLoginGround,
} from '../../test/codex-login.ts';
import { openCodexProcess } from '../../test/scripted-codex.ts';
import { fingerprintOf } from '../testing/oauth/token-ledger.ts';
import { codexCredential } from './codex-credential.ts';
import { codexExecRefresh } from './codex-exec-refresh.ts';
import { codexRefresh } from './codex-refresh.ts';
import { CODEX_SEED_MANIFEST } from './seed-manifests.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

interface Drawer extends AsyncDisposable {
  readonly seeds: Seeds;
  /** Settles when an event of this type has come, past ones included. */
  saw(type: SeedEvent['type']): Promise<void>;
  capture(home: LoginHome): Promise<SeedId>;
}

const host = createLocalHost();
afterAll(() => host[Symbol.asyncDispose]());
afterEach(() => {
  vi.unstubAllEnvs();
});

const folderOf = (home: LoginHome) => parentHostPath(hostPath(dirname(home.authJson)));

function openDrawer(): Drawer {
  const events: SeedEvent[] = [];
  const seeds = createSeeds({
    store: createMemorySeedStore(),
    kind: codexCredential,
    manifest: CODEX_SEED_MANIFEST,
    sealing: 'plaintext',
    journal: 'none',
    onEvent: (event) => events.push(event),
  });
  return {
    seeds,
    saw: (type) => expect.poll(() => events.map((event) => event.type), { timeout: 30_000 }).toContain(type),
    capture: (home) => seeds.capture({ host, home: folderOf(home), pool: 'team' }),
    [Symbol.asyncDispose]: () => seeds[Symbol.asyncDispose](),
  };
}

async function capturedLogin(drawer: Drawer, ground: LoginGround): Promise<SeedId> {
  await using home = await ground.openHome(await ground.oauth.logIn());
  return await drawer.capture(home);
}

describe.each(supportedVersions)('a login as a seed, with the real Codex %s', (version) => {
  test('is captured where a device was approved, works elsewhere, rotates there, and works again', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using drawer = openDrawer();
    await using setup = await ground.openHome();
    await logInByDevice(version, setup, { oauth });
    const seedId = await drawer.capture(setup);
    for (const isFirst of [true, false]) {
      await using home = await ground.openHome();
      await using lease = await drawer.seeds.acquire({ pool: 'team' }, 'a task');
      await lease.plant({ host, home: folderOf(home) });
      await using codex = await openCodexProcess({ version, home });
      const threadId = await codex.startThread();
      await using _watch = lease.watch();
      expect(await nextTurn(codex, threadId)).toBe('completed');
      if (!isFirst) continue;
      await oauth.expireAccess('account-1');
      expect(await nextTurn(codex, threadId)).toBe('completed');
      await drawer.saw('saved');
    }
    const { lineage } = await drawer.seeds.get(seedId);
    expect(lineage.map(({ how }) => how)).toEqual(['captured', 'rotated']);
    const { refreshTokens, spentTwice } = await oauth.audit();
    expect(spentTwice).toEqual([]);
    expect(refreshTokens.map(({ state }) => state)).toEqual(['spent', 'live']);
  });
});

describe.each(supportedVersions)(
  'a login whose provider cannot be asked, by a turn of codex exec %s',
  (version) => {
    test('is refreshed, kept, and found dead, with none of the keys of who asks', async () => {
      for (const name of ['OPENAI_API_KEY', 'CODEX_API_KEY', 'CODEX_ACCESS_TOKEN'])
        vi.stubEnv(name, 'sk-inherited');
      await using here = createLocalHost();
      await using ground = await openLoginGround();
      const { model, oauth } = ground;
      await using drawer = openDrawer();
      const seedId = await capturedLogin(drawer, ground);
      const folder = await mkdtemp('/var/tmp/seedbed-probes-');
      const refresh = codexExecRefresh(here, {
        codex: hostPath(await codexBinary(version)),
        workdir: hostPath(`${folder}/probe`),
        config: oauth.config(model.providerConfig()),
        env: oauth.environment('probe'),
      });
      const verify = async () => (await drawer.seeds.verifyAndRefresh(seedId, refresh)).outcome;
      expect(await verify()).toBe('alive');
      await oauth.expireAccess('account-1');
      expect(await verify()).toBe('refreshed');
      await oauth.revoke('account-1');
      expect(await verify()).toBe('retired');
      const { requests, spentTwice } = await oauth.audit();
      expect(spentTwice).toEqual([]);
      expect(requests.map(({ accessToken }) => accessToken)).not.toContain(fingerprintOf('sk-inherited'));
      expect(requests.filter(({ path }) => path === '/v1/responses').length).toBeGreaterThan(1);
      await rmdir(folder);
    });
  },
);

describe('a login that nobody uses', () => {
  test('is refreshed without a host, and what comes out is what the store has', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using drawer = openDrawer();
    const seedId = await capturedLogin(drawer, ground);
    const refresh = codexRefresh({ tokenUrl: oauth.tokenUrl });
    for (const _ of [1, 2])
      expect(await drawer.seeds.verifyAndRefresh(seedId, refresh)).toMatchObject({ outcome: 'refreshed' });
    expect((await oauth.audit()).refreshTokens.map(({ state }) => state)).toEqual(['spent', 'spent', 'live']);
  });

  test('is retired by the provider alone', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using drawer = openDrawer();
    const seedId = await capturedLogin(drawer, ground);
    const refresh = codexRefresh({ tokenUrl: oauth.tokenUrl });
    await oauth.fail({ type: 'status', status: 503 }, { type: 'status', status: 429 }, { type: 'html' });
    for (const _ of [1, 2, 3])
      expect(await drawer.seeds.verifyAndRefresh(seedId, refresh)).toMatchObject({ outcome: 'unknown' });
    expect(await drawer.seeds.get(seedId)).toMatchObject({ status: 'alive' });
    await oauth.revoke('account-1');
    expect(await drawer.seeds.verifyAndRefresh(seedId, refresh)).toEqual({
      seedId,
      outcome: 'retired',
      reason: 'invalid_grant: refresh token invalidated',
    });
  });

  test('keeps the answer that came after everybody had given up', async () => {
    await using ground = await openLoginGround();
    const { oauth } = ground;
    await using drawer = openDrawer();
    const seedId = await capturedLogin(drawer, ground);
    await oauth.fail({ type: 'hold', name: 'answer' });
    const abort = new AbortController();
    const { signal } = abort;
    const verifying = drawer.seeds.verifyAndRefresh(seedId, codexRefresh({ tokenUrl: oauth.tokenUrl }), {
      signal,
    });
    await oauth.waitForRequests('/oauth/token');
    abort.abort();
    await oauth.release('answer');
    expect(await verifying).toMatchObject({ outcome: 'refreshed' });
    await using home = await ground.openHome();
    await using lease = await drawer.seeds.acquire({ seedId }, 'a task');
    await lease.plant({ host, home: folderOf(home) });
    expect(codexCredential.read(Buffer.from(await home.read()))).toMatchObject({
      generation: (await drawer.seeds.get(seedId)).lineage.at(-1)?.generation,
    });
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });
});

test('a key is alive by being there', async () => {
  await using ground = await openLoginGround();
  await using drawer = openDrawer();
  await using home = await ground.openHome();
  await writeFile(home.authJson, '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-test"}');
  const seedId = await drawer.capture(home);
  expect(await drawer.seeds.verifyAndRefresh(seedId, codexRefresh())).toMatchObject({ outcome: 'alive' });
});
