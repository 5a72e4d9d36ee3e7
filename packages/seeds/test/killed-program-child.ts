import { setTimeout as sleep } from 'node:timers/promises';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { MongoClient } from 'mongodb';
import { createDirectoryJournal, createSeeds, type SeedStore } from '../src/index.ts';
import { createMongodbSeedStore } from '../src/mongodb/index.ts';
import { openSqliteSeedStore } from '../src/sqlite/index.ts';
import { testCredentialKind, testManifest } from '../src/testing/index.ts';

/**
 * A program that runs tasks on the logins of a pool until it is killed: `node killed-program-child.ts STORE FOLDER AGENT`. STORE is a file of SQLite, or the address of MongoDB
 * with the database's name behind it. Its agents live elsewhere, at the address AGENT, and rotate the login of the home that they are told.
 */
const [address = '', folder = '', agent = ''] = process.argv.slice(2);

async function openStore(): Promise<SeedStore> {
  if (!address.startsWith('mongodb:')) return await openSqliteSeedStore({ file: address });
  const at = address.lastIndexOf('#');
  const client = await new MongoClient(address.slice(0, at)).connect();
  return createMongodbSeedStore({ db: client.db(address.slice(at + 1)), collection: 'seeds', shared: {} });
}

const host = createLocalHost();
const seeds = createSeeds({
  store: await openStore(),
  kind: testCredentialKind,
  manifest: testManifest,
  sealing: 'plaintext',
  journal: createDirectoryJournal({ directory: `${folder}/journal`, sealing: 'plaintext' }),
  // A sixth of it is left to end an agent when a lease is lost: a busy machine needs more than half a second.
  leaseMs: 6_000,
});

async function runTask(number: number): Promise<void> {
  await using lease = await seeds.acquire({ pool: 'team' }, 'task', { waitMs: 60_000 });
  const home = `${folder}/home-${process.pid}-${number}`;
  await lease.plant({ host, home: hostPath(home) });
  await using _watch = lease.watch();
  for (let rotation = 0; rotation < 3 && !lease.signal.aborted; rotation += 1) {
    await sleep(Math.random() * 100);
    // Of a program that has stood still for longer than its lease this timer may come before that of the lease.
    await sleep(10);
    if (!lease.signal.aborted) await fetch(`${agent}/?home=${encodeURIComponent(home)}&pid=${process.pid}`);
  }
}

for (let number = 0; ; number += 2) {
  await Promise.allSettled([runTask(number), runTask(number + 1)]);
}
