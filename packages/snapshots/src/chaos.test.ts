import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, it } from 'vitest';
import { digestOfTree, openChaosStore, saveChanged } from '../test/chaos-child.ts';
import { temporaryFolder } from '../test/disk-tree.ts';
import { settleRestore } from './index.ts';

/** How often a program is killed. `SEEDBED_CHAOS_ROUNDS` makes it more: 200 were run. */
const ROUNDS = Number(process.env['SEEDBED_CHAOS_ROUNDS'] ?? 12);
const SAVES = 3;

/** Saves as often as snapshots are kept. Gives how long it may take until a program is killed: a machine that has other work too takes longer for a save. */
async function firstSaves(folder: string): Promise<number> {
  using store = await openChaosStore(folder);
  const startMs = performance.now();
  for (let round = 0; round < SAVES; round += 1) await saveChanged(store.snapshots, folder, round);
  return Math.max(700, performance.now() - startMs);
}

interface Work {
  readonly mode: 'save' | 'restore';
  readonly round: number;
  /** How often it does it before. */
  readonly before: number;
  readonly longestMs: number;
}

/** Starts the program, and kills it at some moment while it works. */
async function killedWhileItWorks(folder: string, { mode, round, before, longestMs }: Work): Promise<void> {
  const program = join(import.meta.dirname, '../test/chaos-child.ts');
  const child = spawn(
    process.execPath,
    ['--conditions', 'development', program, folder, mode, String(round * 1_000)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ended = once(child, 'close');
  const hasDone = Promise.withResolvers<void>();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.split('\n').length > before + 1) hasDone.resolve();
  });
  await Promise.race([hasDone.promise, ended]);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(said).toMatch(/^ready\n(done\n)*$/);
}

it('a program that is killed while it saves leaves the last good snapshot, whole', {
  timeout: ROUNDS * 60_000,
}, async () => {
  await using place = await temporaryFolder();
  const host = createLocalHost();
  const longestMs = await firstSaves(place.path);
  let last = SAVES;
  for (let round = 1; round <= ROUNDS; round += 1) {
    // However slow the machine is, some of them have saved.
    await killedWhileItWorks(place.path, { mode: 'save', round, before: round % 2, longestMs });
    using store = await openChaosStore(place.path);
    const { snapshots } = store;
    const rows = await snapshots.list('t');
    expect(rows.at(-1)?.number ?? 0).toBeGreaterThanOrEqual(last);
    last = rows.at(-1)?.number ?? 0;
    for (const { number } of rows) {
      expect((await snapshots.verify({ task: 't', number })).damaged).toEqual([]);
      const again = join(place.path, 'again');
      const { facts } = await snapshots.restore(host, hostPath(again), { task: 't', number });
      expect(facts).toEqual({ digest: await digestOfTree(again) });
    }
  }
  expect(last).toBeGreaterThan(SAVES);
  using store = await openChaosStore(place.path);
  await store.snapshots.prune('t', { orphansAfterMs: -60_000 });
  const [row] = (await store.snapshots.list('t')).slice(-1);
  expect((await store.snapshots.verify({ task: 't', number: row?.number ?? 0 })).damaged).toEqual([]);
});

it('a program that is killed while it restores leaves one of two trees', {
  timeout: ROUNDS * 60_000,
}, async () => {
  await using place = await temporaryFolder();
  const host = createLocalHost();
  const again = join(place.path, 'again');
  const longestMs = await firstSaves(place.path);
  using store = await openChaosStore(place.path);
  const digests = new Set<string>();
  for (const { number } of await store.snapshots.list('t')) {
    const { facts } = await store.snapshots.show({ task: 't', number });
    digests.add(JSON.stringify(facts));
  }
  const endings = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round += 1) {
    await killedWhileItWorks(place.path, { mode: 'restore', round, before: round % 2, longestMs });
    const settled = await settleRestore(host, hostPath(again));
    endings.set(settled, (endings.get(settled) ?? 0) + 1);
    const isThere = (await readdir(place.path)).includes('again');
    if (isThere) expect([...digests]).toContain(JSON.stringify({ digest: await digestOfTree(again) }));
    expect((await readdir(place.path)).filter((name) => name.startsWith('.seedbed'))).toEqual([]);
    if (round % 5 === 4) await rm(again, { recursive: true, force: true });
  }
  expect([...endings.values()].reduce((sum, count) => sum + count, 0)).toBe(ROUNDS);
});
