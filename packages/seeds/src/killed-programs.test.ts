import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPath, joinHostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { describe, expect, test } from 'vitest';
import { createRotatingProvider, type RotatingProvider } from '../test/rotating-provider.ts';
import { createMongodbSeedStore } from './mongodb/index.ts';
import type { SeedStore } from './seed-store.ts';
import { createSeeds } from './seeds.ts';
import { openSqliteSeedStore } from './sqlite/index.ts';
import { testCredentialKind, testManifest } from './testing/index.ts';

const ACCOUNTS = ['ada', 'bob', 'eve'] as const;
const PROGRAMS = 3;
const KILLS = Number(process.env['SEEDS_KILLS'] ?? 5);
const LOGIN = '.agent/login.json';

/** Agents that outlive nobody: one that is asked by a program which lives rotates the login of a home, at once and whole. */
async function openAgents(provider: RotatingProvider, programs: ReadonlyMap<number, ChildProcess>) {
  const rotate = (home: string, pid: number): void => {
    const file = join(home, LOGIN);
    const program = programs.get(pid);
    if (program === undefined || program.exitCode !== null || program.killed) return;
    try {
      const { account, token } = JSON.parse(readFileSync(file, 'utf8'));
      const next = provider.rotate(account, token);
      if (next === undefined) return;
      writeFileSync(`${file}.next`, next, { mode: 0o600 });
      renameSync(`${file}.next`, file);
    } catch {
      // Taken away, or not yet there: an agent without a login does nothing.
    }
  };
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '', 'http://agents');
    rotate(searchParams.get('home') ?? '', Number(searchParams.get('pid')));
    // Not before: who has the answer may end its lease, and an agent must not outlive that.
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function killPrograms(store: SeedStore, address: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-killed-'));
  const provider = createRotatingProvider();
  const programs = new Map<number, ChildProcess>();
  try {
    await using host = createLocalHost();
    await using agents = await openAgents(provider, programs);
    await using seeds = createSeeds({
      store,
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: 'none',
    });
    const ids = new Map<string, Awaited<ReturnType<typeof seeds.capture>>>();
    for (const account of ACCOUNTS) {
      const home = hostPath(join(folder, account));
      await host.makeDirectory(joinHostPath(home, '.agent'));
      await host.writeFile(joinHostPath(home, LOGIN), provider.logIn(account));
      ids.set(account, await seeds.capture({ host, home, pool: 'team' }));
    }
    const start = (): void => {
      const argv = [
        join(import.meta.dirname, '../test/killed-program-child.ts'),
        address,
        folder,
        agents.url,
      ];
      const program = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'] });
      programs.set(program.pid ?? 0, program);
    };
    for (let program = 0; program < PROGRAMS; program += 1) start();
    for (let kill = 0; kill < KILLS; kill += 1) {
      await provider.rotated(provider.rotations() + 2);
      // At any moment.
      await sleep(Math.random() * 300);
      const living = [...programs.values()].filter(({ killed }) => !killed);
      living[Math.floor(Math.random() * living.length)]?.kill('SIGKILL');
      start();
    }
    await killAll(programs);
    for (const [account, seedId] of ids) {
      const home = hostPath(join(folder, `check-${account}`));
      await using lease = await seeds.acquire({ seedId }, 'check', { waitMs: 60_000 });
      await lease.plant({ host, home });
      const { token } = JSON.parse(readFileSync(join(home, LOGIN), 'utf8'));
      expect(token).toBe(provider.current(account));
    }
    expect(provider.reused).toEqual([]);
  } finally {
    await killAll(programs);
    await rm(folder, { recursive: true, force: true });
  }
}

async function killAll(programs: ReadonlyMap<number, ChildProcess>): Promise<void> {
  for (const program of programs.values()) {
    if (program.exitCode !== null || program.signalCode !== null) continue;
    const ended = once(program, 'exit');
    program.kill('SIGKILL');
    await ended;
  }
}

describe('programs that are killed with SIGKILL while agents rotate their logins', () => {
  test('lose no token and spend none twice, with SQLite', { timeout: 480_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'seedbed-killed-store-'));
    const file = join(folder, 'seeds.db');
    try {
      await using store = await openSqliteSeedStore({ file });
      await killPrograms(store, file);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describeOnMongodb('programs that are killed with SIGKILL while agents rotate their logins', (database) => {
  test('lose no token and spend none twice, with MongoDB', { timeout: 480_000 }, async () => {
    const { db, uri } = database();
    await using store = createMongodbSeedStore({ db, collection: 'seeds', shared: {} });
    await killPrograms(store, `${uri}#${db.databaseName}`);
  });
});
