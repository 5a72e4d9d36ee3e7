import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPath, joinHostPath, readText } from '@seedbed/host';
import { createMemoryHost, type MemoryHost } from '@seedbed/host/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SeedsOptions } from './configure-seeds.ts';
import type { SeedEvent } from './seed-event.ts';
import type { SeedStore } from './seed-store.ts';
import { createSeeds, type Seeds } from './seeds.ts';
import { openSqliteSeedStore } from './sqlite/index.ts';
import { type TestCredential, testCredential, testCredentialKind, testManifest } from './testing/index.ts';

const HOME = hostPath('/home/user/task');
const LOGIN = joinHostPath(HOME, '.agent/login.json');
const first: TestCredential = {
  account: 'ada',
  token: 'token-1',
  at: 1,
  summary: { name: 'Ada', plan: 'pro' },
};

let folder: string;
let store: SeedStore;
let host: MemoryHost;
let events: SeedEvent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seedbed-seeds-'));
  store = await openSqliteSeedStore({ file: join(folder, 'seeds.db') });
  host = createMemoryHost();
  events = [];
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function seedsOf(options: Partial<SeedsOptions> = {}): Seeds {
  return createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal: 'none',
    reach: () => host,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

async function logIn(credential: TestCredential): Promise<void> {
  await host.makeDirectory(joinHostPath(HOME, '.agent'));
  await host.writeFile(LOGIN, testCredential(credential));
}

test('a login is captured, planted, rotated by its session, and planted again as it then is', async () => {
  await using seeds = seedsOf();
  await logIn(first);
  await host.writeFile(joinHostPath(HOME, '.agent/settings.toml'), 'colour = "blue"\n');
  const id = await seeds.capture({ host, home: HOME, pool: 'team', label: "Ada's" });
  await host.remove(HOME, { recursive: true });

  {
    await using lease = await seeds.acquire({ pool: 'team' }, 'task-1');
    await lease.plant({ host, home: HOME });
    expect(await readText(host, joinHostPath(HOME, '.agent/settings.toml'))).toBe('colour = "blue"\n');
    expect((await host.stat(LOGIN))?.mode).toBe(0o600);
    await using watch = lease.watch();
    await host.writeFile(LOGIN, testCredential({ ...first, token: 'token-2', at: 2 }));
    expect(await watch.save()).toMatchObject({ outcome: expect.stringMatching(/saved|unchanged/) });
  }

  const other = hostPath('/home/user/other');
  await using lease = await seeds.acquire({ seedId: id }, 'task-2');
  await lease.plant({ host, home: other });
  expect(JSON.parse(await readText(host, joinHostPath(other, '.agent/login.json')))).toMatchObject({
    token: 'token-2',
  });
  const overview = await seeds.get(id);
  expect(overview).toMatchObject({ label: "Ada's", account: { name: 'Ada', plan: 'pro' }, status: 'alive' });
  expect(overview.lineage.map(({ how }) => how)).toEqual(['captured', 'rotated']);
  expect(JSON.stringify(overview)).not.toContain('token-');
  expect(events.map(({ type }) => type)).toEqual(['saved']);
});
