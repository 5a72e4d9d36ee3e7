import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createDirectoryJournal, createSeeds } from '@seedbed/seeds';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';
import { testCredential, testCredentialKind, testManifest } from '@seedbed/seeds/testing';

const folder = await mkdtemp(join(tmpdir(), 'seeds-'));
const sealing = createKeyring({
  current: '2026',
  keys: { '2026': crypto.getRandomValues(new Uint8Array(32)) },
});
await using host = createLocalHost();
await using store = await openSqliteSeedStore({ file: join(folder, 'seeds.db') });
await using seeds = createSeeds({
  store,
  kind: testCredentialKind, // how the agent keeps its login: its package has it
  manifest: testManifest, // which files of a home are that login
  sealing,
  journal: createDirectoryJournal({ directory: join(folder, 'journal'), sealing }),
});

// Somebody has logged in, in a home of its own.
const setup = hostPath(join(folder, 'setup'));
await host.makeDirectory(hostPath(`${setup}/.agent`));
await host.writeFile(
  hostPath(`${setup}/.agent/login.json`),
  testCredential({ account: 'ada', token: 'one', at: 1 }),
);
const seedId = await seeds.capture({ host, home: setup, pool: 'team' });

// A task takes a login from the pool, and its token rotates.
const home = hostPath(join(folder, 'task'));
{
  await using lease = await seeds.acquire({ pool: 'team' }, 'task 1', { waitMs: 60_000 });
  await lease.plant({ host, home });
  await using _watch = lease.watch();
  await writeFile(`${home}/.agent/login.json`, testCredential({ account: 'ada', token: 'two', at: 2 }));
}

// The next one begins with the token that the first has left.
await using lease = await seeds.acquire({ pool: 'team' }, 'task 2');
await lease.plant({ host, home });
process.stdout.write(`${await readFile(`${home}/.agent/login.json`, 'utf8')}\n`);
process.stdout.write(`${(await seeds.get(seedId)).lineage.map(({ how }) => how).join(', ')}\n`);
