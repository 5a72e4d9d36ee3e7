import { hostPath } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import { createSeeds, type SeedEvent, type SeedId, type Seeds } from '@seedbed/seeds';
import { createMemorySeedStore } from '@seedbed/seeds/testing';
import { expect, test } from 'vitest';
import { openRotatingOAuth, type RotatingOAuth } from '../testing/index.ts';
import { codexCredential } from './codex-credential.ts';
import { codexQuota } from './codex-quota-reading.ts';
import { codexRefresh } from './codex-refresh.ts';
import { CODEX_SEED_MANIFEST } from './seed-manifests.ts';

const events: SeedEvent[] = [];

function openSeeds(): Seeds {
  return createSeeds({
    store: createMemorySeedStore(),
    kind: codexCredential,
    manifest: CODEX_SEED_MANIFEST,
    sealing: 'plaintext',
    journal: 'none',
    onEvent: (event) => events.push(event),
  });
}

async function captured(seeds: Seeds, authJson: string): Promise<SeedId> {
  await using host = createMemoryHost();
  const home = hostPath('/home/user');
  await host.makeDirectory(hostPath('/home/user/.codex'));
  await host.writeFile(hostPath('/home/user/.codex/auth.json'), authJson);
  return await seeds.capture({ host, home, pool: 'team' });
}

const asking = ({ backendUrl, tokenUrl }: RotatingOAuth) => ({
  refresh: codexRefresh({ tokenUrl }),
  readQuota: codexQuota({ backendUrl }),
});

test('a pool that nobody uses knows what its logins have left, whether they were due for a refresh or not', async () => {
  await using oauth = await openRotatingOAuth({
    accounts: [
      { id: 'full', usedPercent: { primary: 100, secondary: 30 } },
      { id: 'fresh', usedPercent: { primary: 10, secondary: 5 } },
    ],
  });
  await using seeds = openSeeds();
  const full = await captured(seeds, await oauth.logIn('full'));
  const fresh = await captured(seeds, await oauth.logIn('fresh'));
  const rounds = await Array.fromAsync(seeds.refreshIdle(asking(oauth)));
  expect(rounds.map(({ outcome }) => outcome)).toEqual(['quota-read', 'quota-read']);
  expect((await oauth.audit()).refreshTokens).toMatchObject([{ state: 'live' }, { state: 'live' }]);
  expect((await seeds.get(full)).quota?.windows).toMatchObject([
    { label: '5 h', usedPercent: 100 },
    { label: 'weekly', usedPercent: 30 },
  ]);
  {
    await using lease = await seeds.acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).toBe(fresh);
    await expect(seeds.acquire({ pool: 'team' }, 'other')).rejects.toMatchObject({
      refusals: expect.arrayContaining([
        expect.objectContaining({ seedId: full, reason: 'exhausted', untilMs: expect.any(Number) }),
      ]),
    });
  }
  expect(await Array.fromAsync(seeds.refreshIdle(asking(oauth)))).toEqual([]);
  const due = await Array.fromAsync(seeds.refreshIdle({ ...asking(oauth), olderThanMs: 0 }));
  expect(due).toMatchObject([
    { outcome: 'refreshed', quota: { windows: [{ label: '5 h' }, { label: 'weekly' }] } },
    { outcome: 'refreshed', quota: { windows: [{ label: '5 h' }, { label: 'weekly' }] } },
  ]);
});

test('a provider that does not say what is left changes nothing, and is no news of the login', async () => {
  await using oauth = await openRotatingOAuth();
  await using seeds = openSeeds();
  const seedId = await captured(seeds, await oauth.logIn());
  const key = await captured(seeds, '{"OPENAI_API_KEY":"sk-1"}');
  await oauth.fail({ type: 'status', status: 500, path: '/wham/usage' });
  events.length = 0;
  expect(await Array.fromAsync(seeds.refreshIdle(asking(oauth)))).toEqual([]);
  expect(events).toEqual([{ type: 'quota-unknown', seedId, reason: expect.stringContaining('500') }]);
  const verified = await seeds.verifyAndRefresh(key, codexRefresh(), { readQuota: codexQuota() });
  expect(verified).toMatchObject({ outcome: 'alive' });
  const signal = AbortSignal.timeout(60_000);
  const answer = await codexQuota()(Buffer.from('{"OPENAI_API_KEY":"sk-1"}'), { signal });
  expect(answer).toEqual({ outcome: 'none' });
});
