import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BenchContext,
  type BenchResult,
  type BenchTopic,
  compare,
  median,
  pairedRuns,
  quantile,
} from '@seedbed/bench';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openMongodbServers, openTestDatabase } from '@seedbed/mongodb-server';
import { createDirectoryJournal, createSeeds, type SeedStore, type Seeds } from '../src/index.ts';
import { createMongodbSeedStore } from '../src/mongodb/index.ts';
import { openSqliteSeedStore } from '../src/sqlite/index.ts';
import { testCredential, testCredentialKind, testManifest } from '../src/testing/index.ts';
import { type BareLeases, bareMongodbLeases, bareSqliteLeases } from './bare-leases.ts';

const POLL_MS = 10_000;
const LOGIN = '.agent/login.json';

export const topic: BenchTopic = {
  name: 'seeds',
  measure: (context) =>
    measureSeeds(context, { rounds: 3, leases: 200, takers: 16, logins: 4, rotations: 100 }),
};

export interface SeedBenchSizes {
  readonly rounds: number;
  /** Acquired and released in one round. */
  readonly leases: number;
  /** Who want one at the same time. */
  readonly takers: number;
  /** What there is of them. */
  readonly logins: number;
  readonly rotations: number;
}

export async function measureSeeds(
  context: BenchContext,
  sizes: SeedBenchSizes,
): Promise<readonly BenchResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-seeds-bench-'));
  try {
    return [
      await measureSqlite(context, folder, sizes),
      await measureMongodb(context, sizes),
      ...(await measureRotations(context, folder, sizes)),
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function measureSqlite(
  context: BenchContext,
  folder: string,
  sizes: SeedBenchSizes,
): Promise<BenchResult> {
  await using store = await openSqliteSeedStore({ file: join(folder, 'seeds.db') });
  await using bare = await bareSqliteLeases(join(folder, 'bare.db'), sizes.logins);
  return await measureLeases(context, sizes, { store, bare });
}

async function measureMongodb(context: BenchContext, sizes: SeedBenchSizes): Promise<BenchResult> {
  await using opened = await openMongodbServers();
  const [server] = opened.servers;
  if (server === undefined) throw new Error('There is no MongoDB server.');
  await using database = await openTestDatabase(server.uri);
  const { db } = database;
  await using store = createMongodbSeedStore({ db, collection: 'seeds' });
  await using bare = await bareMongodbLeases(db.collection('bare'), {
    logins: sizes.logins,
    server: server.name,
  });
  return await measureLeases(context, sizes, { store, bare });
}

async function measureLeases(
  { signal, progress }: BenchContext,
  { rounds, leases, takers, logins }: SeedBenchSizes,
  { store, bare }: { readonly store: SeedStore; readonly bare: BareLeases },
): Promise<BenchResult> {
  progress(`${takers} takers, ${logins} logins, ${store.label.split(' ')[0]}`);
  await using seeds = seedsIn(store);
  await captureAll(seeds, logins);
  const perSecond = async (once: (name: string) => Promise<void>): Promise<number> => {
    let left = leases;
    const began = performance.now();
    const taker = async (_: unknown, number: number): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await once(`taker-${number}`);
      }
    };
    await Promise.all(Array.from({ length: takers }, taker));
    return (leases * 1000) / (performance.now() - began);
  };
  const rates = await pairedRuns(
    () =>
      perSecond(async (name) => {
        await using _lease = await seeds.acquire({ pool: 'team' }, name, { waitMs: 60_000 });
      }),
    () => perSecond((name) => bare.once(name)),
    { rounds, signal },
  );
  return compare({
    name: `leases, ${takers} takers for ${logins}, ${store.label.split(' ')[0]}`,
    unit: '/s',
    better: 'higher',
    ours: median(rates.ours),
    alternative: { name: bare.name, value: median(rates.theirs) },
  });
}

async function measureRotations(
  { signal, progress }: BenchContext,
  folder: string,
  { rotations }: SeedBenchSizes,
): Promise<readonly BenchResult[]> {
  progress(`${rotations} rotations, watched`);
  const ours = await watchedRotations(folder, rotations);
  progress(`${rotations} rotations within ${POLL_MS / 1000} s, polled`);
  const theirs = await polledRotations(join(folder, 'polled'), rotations, signal);
  const figure = (part: number): BenchResult =>
    compare({
      name: `from rotated to saved, p${part * 100}`,
      unit: 'ms',
      better: 'lower',
      ours: quantile(ours, part),
      alternative: { name: `a look every ${POLL_MS / 1000} s`, value: quantile(theirs, part) },
    });
  return [figure(0.5), figure(0.99)];
}

/** With journal and SQLite, both synchronised to the disk. */
async function watchedRotations(folder: string, rotations: number): Promise<readonly number[]> {
  await using host = createLocalHost();
  await using store = await openSqliteSeedStore({ file: join(folder, 'watched.db') });
  let saved = Promise.withResolvers<void>();
  await using seeds = createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal: createDirectoryJournal({ directory: join(folder, 'journal'), sealing: 'plaintext' }),
    onEvent: ({ type }) => type === 'saved' && saved.resolve(),
  });
  await captureAll(seeds, 1);
  const home = join(folder, 'home');
  await using lease = await seeds.acquire({ pool: 'team' }, 'bench');
  await lease.plant({ host, home: hostPath(home) });
  await using _watch = lease.watch();
  await sleep(200);
  const times: number[] = [];
  for (let number = 1; number <= rotations; number += 1) {
    saved = Promise.withResolvers<void>();
    const began = performance.now();
    await replaceFile(
      join(home, LOGIN),
      testCredential({ account: '0', token: `next-${number}`, at: number + 1 }),
    );
    await saved.promise;
    times.push(performance.now() - began);
  }
  return times;
}

/** Many files at once, each rotated at a moment of its own, all looked at by one loop. What is done with what it finds is not counted. */
async function polledRotations(
  folder: string,
  rotations: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  await mkdir(folder, { recursive: true });
  const rotated = new Map<string, number>();
  const times: number[] = [];
  const files = Array.from({ length: rotations }, (_, number) => join(folder, `login-${number}.json`));
  const rotating = files.map(async (file, number) => {
    await sleep((number / rotations) * POLL_MS, undefined, { signal });
    rotated.set(file, performance.now());
    await replaceFile(file, Buffer.from('rotated'));
  });
  while (times.length < rotations) {
    await sleep(POLL_MS, undefined, { signal });
    for (const [file, began] of rotated) {
      await readFile(file);
      times.push(performance.now() - began);
      rotated.delete(file);
    }
  }
  await Promise.all(rotating);
  return times;
}

function seedsIn(store: SeedStore): Seeds {
  return createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal: 'none',
  });
}

async function captureAll(seeds: Seeds, logins: number): Promise<void> {
  await using host = createLocalHost();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-seeds-setup-'));
  try {
    for (let login = 0; login < logins; login += 1) {
      const home = join(folder, `${login}`);
      await replaceFile(
        join(home, LOGIN),
        testCredential({ account: `${login}`, token: `token-${login}`, at: 1 }),
      );
      await seeds.capture({ host, home: hostPath(home), pool: 'team' });
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.next`, bytes, { mode: 0o600 });
  await rename(`${file}.next`, file);
}
