import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { findSshd, openSshd, processesWithEnvironment } from '@seedbed/host/testing';
import { openRotatingOAuthProcess, type RotatingOAuth } from '../../src/testing/index.ts';
import { readChaosLog } from './chaos-log.ts';
import { CHAOS_MARK, type ChaosPlan, type MongodbPlace, POOL, planFile } from './chaos-plan.ts';
import { createPlaces, journalOf, openChaosSeeds, openChaosStore } from './chaos-seeds.ts';
import { checkLogins } from './check-logins.ts';
import { createDice } from './dice.ts';
import { harmStory } from './harm-story.ts';
import { type ChaosCounts, countChaos, judgeChaos } from './judge-chaos.ts';
import { openWallClock } from './stepped-clocks.ts';
import { fragileMongodb, fragileSqlite } from './store-outage.ts';
import { type Disturbances, disturb } from './supervisor.ts';

export interface SeedChaosOptions {
  /** Decides all dice. */
  readonly number: number;
  readonly seconds: number;
  readonly seeds: number;
  readonly controllers: number;
  /** For each controller. */
  readonly tasks: number;
  readonly store: 'sqlite' | MongodbPlace;
  readonly leaseMs: number;
  /** Keeps what the run wrote, also where nothing is wrong. */
  readonly keep?: boolean;
}

export interface SeedChaosReport {
  readonly counts: ChaosCounts & Disturbances;
  /** What must not happen; empty. */
  readonly violations: readonly string[];
  /** What happened to the logins concerned; empty. */
  readonly story: readonly string[];
  /** Log, homes, journals and, where it is a file, the store. Only where it was kept. */
  readonly folder: string | undefined;
}

const LEFT_MS = 40_000;

/**
 * Controllers run tasks on logins whose tokens work once, while they and their agents are killed, their store goes away, and clocks are set. Then everybody is ended, and every login
 * has to be the one that its provider takes.
 */
export async function runSeedChaos(options: SeedChaosOptions): Promise<SeedChaosReport> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-seed-chaos-'));
  let isKept = options.keep === true;
  stack.defer(() => (isKept ? undefined : rm(folder, { recursive: true, force: true })));
  for (const name of ['marks', 'homes']) mkdirSync(join(folder, name));
  const accounts = Array.from({ length: options.seeds }, (_, number) => ({ id: `account-${number}` }));
  const oauth = stack.use(await openRotatingOAuthProcess({ accounts, accessTokenMs: 3_000 }));
  const fragile =
    options.store === 'sqlite'
      ? fragileSqlite(join(folder, 'seeds.db'))
      : stack.use(await fragileMongodb(options.store));
  const sshd = findSshd() === undefined ? undefined : stack.use(await openSshd());
  const plan: ChaosPlan = {
    number: options.number,
    folder,
    mark: randomUUID(),
    store: fragile.store,
    tokenUrl: oauth.tokenUrl,
    leaseMs: options.leaseMs,
    tasks: options.tasks,
    ssh: sshd && {
      host: sshd.host,
      port: sshd.port,
      user: sshd.user,
      privateKeyFile: sshd.privateKeyFile,
      fingerprint: sshd.fingerprint,
    },
  };
  writeFileSync(planFile(folder), JSON.stringify(plan), { mode: 0o600 });
  await capture(plan, { oauth, accounts: accounts.map(({ id }) => id) });
  using wall = openWallClock(folder);
  const dice = createDice(options.number, 'supervisor');
  const { controllers, seconds } = options;
  const disturbances = await disturb(plan, { oauth, fragile, wall, dice, controllers, seconds });
  const ends = await checkLogins(plan, options.controllers);
  const left = await leftProcesses(plan.mark);
  const log = readChaosLog(folder);
  const audit = await oauth.audit();
  const violations = [...judgeChaos(log, audit), ...ends, ...left];
  isKept ||= violations.length > 0;
  return {
    counts: { ...countChaos(log, audit), ...disturbances },
    violations,
    story: violations.length === 0 ? [] : harmStory({ log, audit, violations }),
    folder: isKept ? folder : undefined,
  };
}

async function capture(
  plan: ChaosPlan,
  { oauth, accounts }: { readonly oauth: RotatingOAuth; readonly accounts: readonly string[] },
): Promise<void> {
  await using host = createLocalHost();
  await using places = createPlaces(plan);
  await using store = await openChaosStore(plan.store);
  await using seeds = openChaosSeeds(plan, { store, places, journal: journalOf(plan, 0) });
  for (const account of accounts) {
    const home = hostPath(join(plan.folder, 'homes', account));
    await host.makeDirectory(hostPath(`${home}/.codex`));
    await host.writeFile(hostPath(`${home}/.codex/auth.json`), await oauth.logIn(account));
    await seeds.capture({ host, home, pool: POOL });
    await host.remove(home, { recursive: true });
  }
}

/** Those that are still there when agents that outlive their controllers must have ended too. */
async function leftProcesses(mark: string): Promise<readonly string[]> {
  await using host = createLocalHost();
  for (let waited = 0; ; waited += 500) {
    const left = await processesWithEnvironment(host, `${CHAOS_MARK}=${mark}`);
    if (left.length === 0) return [];
    if (waited >= LEFT_MS) return left.map(({ pid, argv }) => `process ${pid} is left: ${argv.join(' ')}`);
    await sleep(500);
  }
}
