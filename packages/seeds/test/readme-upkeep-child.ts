import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createDirectoryJournal, createSeeds, refreshIdleSeeds } from '@seedbed/seeds';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';
import { testCredential, testCredentialKind, testManifest } from '@seedbed/seeds/testing';

const folder = await mkdtemp(join(tmpdir(), 'seeds-'));
const key = crypto.getRandomValues(new Uint8Array(32));
const sealing = createKeyring({ current: '2026', keys: { '2026': key } });
await using host = createLocalHost();
// And every one that openSshHost of @seedbed/host/ssh gives.
const hosts: Host[] = [host];
await using store = await openSqliteSeedStore({ file: join(folder, 'seeds.db') });
await using seeds = createSeeds({
  ...{ store, kind: testCredentialKind, manifest: testManifest, sealing },
  journal: createDirectoryJournal({ directory: join(folder, 'journal'), sealing }),
  // Leads back to where a login was planted, by the host's label.
  reach: (place) => hosts.find(({ label }) => label === place),
});
const setup = hostPath(join(folder, 'setup'));
await host.makeDirectory(hostPath(`${setup}/.agent`));
await host.writeFile(
  hostPath(`${setup}/.agent/login.json`),
  testCredential({ account: 'ada', token: 'one', at: 1 }),
);
const seedId = await seeds.capture({ host, home: setup, pool: 'team' });

// Round by round: what nobody uses is kept from running out, and what it has left is known.
const looked = Promise.withResolvers<void>();
await using _upkeep = refreshIdleSeeds(seeds, {
  // Both ask the provider, and are the agent's package's: codexRefresh() and codexQuota() of @seedbed/agent-codex.
  refresh: async () => ({
    outcome: 'refreshed',
    bytes: testCredential({ account: 'ada', token: 'two', at: Date.now() }),
  }),
  readQuota: async () => ({
    outcome: 'known',
    quota: { takenMs: Date.now(), windows: [{ label: 'weekly', usedPercent: 40 }] },
  }),
  everyMs: 3_600_000,
  onVerified: () => looked.resolve(),
  onFailure: (failure) => process.stderr.write(`The logins could not be looked after: ${failure}\n`),
});
await looked.promise;

// When the keyring has a new `current` key, and an old one is to go.
for (const { id } of await seeds.list()) await seeds.reseal(id);

const { lineage, quota } = await seeds.get(seedId);
process.stdout.write(`${lineage.map(({ how }) => how).join(', ')}; ${quota?.windows[0]?.usedPercent} %\n`);
