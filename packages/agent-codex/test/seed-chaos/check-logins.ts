import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPath, readText } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import type { SeedId, Seeds } from '@seedbed/seeds';
import { type RefreshResult, refreshCodexLogin } from '../../src/login/refresh-codex-login.ts';
import { type ChaosPlan, POOL } from './chaos-plan.ts';
import { createPlaces, journalOf, openChaosSeeds, openChaosStore } from './chaos-seeds.ts';

const PATIENCE_MS = 60_000;

/** On each machine one more program, which nothing happens to: after it nothing is in a journal, and the provider takes every login. Gives what is wrong. */
export async function checkLogins(plan: ChaosPlan, controllers: number): Promise<readonly string[]> {
  await using places = createPlaces(plan);
  await using store = await openChaosStore(plan.store);
  const problems: string[] = [];
  for (const machine of [0, 1].slice(0, controllers)) {
    await using seeds = openChaosSeeds(plan, { store, places, journal: journalOf(plan, machine) });
    const notes = await caughtUp(seeds);
    if (notes > 0) problems.push(`${notes} notes stay in the journal of machine ${machine}`);
  }
  await using seeds = openChaosSeeds(plan, { store, places, journal: journalOf(plan, 0) });
  for (const { id } of await seeds.list({ pool: POOL })) {
    const problem = await problemOf(plan, seeds, id).catch((failure: unknown) => `cannot be had: ${failure}`);
    if (problem !== undefined) problems.push(`seed ${id} ${problem}`);
  }
  return problems;
}

/** A note of a lease that may still be used is told when that is over. Gives how many were left. */
async function caughtUp(seeds: Seeds): Promise<number> {
  for (const latestMs = performance.now() + PATIENCE_MS; ; await sleep(200)) {
    const notes = await seeds.catchUp();
    if (notes === 0 || performance.now() > latestMs) return notes;
  }
}

async function problemOf(plan: ChaosPlan, seeds: Seeds, seedId: SeedId): Promise<string | undefined> {
  await using host = createLocalHost();
  await using lease = await seeds.acquire({ seedId }, 'check', { waitMs: PATIENCE_MS });
  const home = hostPath(join(plan.folder, 'homes', `check-${seedId}`));
  await lease.plant({ host, home, place: 'here' });
  const login = await readText(host, hostPath(`${home}/.codex/auth.json`));
  const result = await answerAtLast(plan, login);
  if (result.outcome !== 'refreshed') return `is lost: the provider says ${JSON.stringify(result)}`;
  const { outcome } = await lease.writeBack(Buffer.from(result.authJson));
  return outcome === 'saved' ? undefined : `could not be saved: ${outcome}`;
}

/** Asks until the provider says what it thinks of a login. Had it taken the first question of which no answer came, it would be told of a token that was spent twice. */
async function answerAtLast({ tokenUrl }: ChaosPlan, login: string): Promise<RefreshResult> {
  for (const latestMs = performance.now() + PATIENCE_MS; ; await sleep(200)) {
    const result = await refreshCodexLogin(login, { tokenUrl: `${tokenUrl}?by=check` });
    if (result.outcome !== 'unknown' || performance.now() > latestMs) return result;
  }
}
