import { type Host, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import {
  createSeeds,
  type SeedEvent,
  type SeedHost,
  type SeedId,
  type SeedLease,
  type Seeds,
} from '../src/index.ts';
import { SeedError } from '../src/seed-error.ts';
import { createMemorySeedStore, testCredentialKind, testManifest } from '../src/testing/index.ts';
import { createDice, type Dice } from './dice.ts';
import { homeOf, loginIn } from './ground.ts';
import { createMemoryJournal, type MemoryJournal } from './memory-journal.ts';
import { createRotatingProvider, type RotatingProvider } from './rotating-provider.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

/** What a run came to. */
export interface ChaosReport {
  readonly rotations: number;
  readonly kills: number;
  readonly leases: number;
  readonly events: readonly SeedEvent[];
  /** What must not happen; empty. */
  readonly violations: readonly string[];
}

const LEASE_MS = 60_000;
const MACHINES = ['machine-1', 'machine-2'] as const;
const ACCOUNTS = ['ada', 'bob', 'eve'] as const;
const LIVES = 4;
const TASKS = 4;

interface World {
  readonly dice: Dice;
  readonly clock: SimulatedClock;
  readonly provider: RotatingProvider;
  readonly store: ReturnType<typeof createMemorySeedStore>;
  readonly hosts: ReadonlyMap<string, Host>;
  readonly journals: ReadonlyMap<string, MemoryJournal>;
  readonly violations: string[];
  readonly events: SeedEvent[];
  /** Every fencing token that was given out. */
  readonly fences: Set<string>;
  /** Files of agents that have a refresh under way. */
  readonly busy: Set<HostPath>;
  kills: number;
  homes: number;
}

/**
 * Programs on two machines lease three logins, let agents rotate them, verify them, and are killed in the middle of anything; their stores go away, and answer too late.
 * At the end every login must be the one that its provider takes, and none was spent twice.
 */
export async function runChaos(seed: number): Promise<ChaosReport> {
  const dice = createDice(seed);
  const clock = createSimulatedClock(dice);
  const world: World = {
    dice,
    clock,
    provider: createRotatingProvider(),
    store: createMemorySeedStore({ now: () => 1_700_000_000_000 + Math.floor(clock.monotonicMs()) }),
    hosts: new Map(MACHINES.map((label) => [label, createMemoryHost({ label })])),
    journals: new Map(MACHINES.map((machine) => [machine, createMemoryJournal()])),
    violations: [],
    events: [],
    fences: new Set(),
    busy: new Set(),
    kills: 0,
    homes: 0,
  };
  const ids = await captureAll(world);
  await clock.until(Promise.all([...MACHINES, ...MACHINES].map((machine) => runLives(world, machine))));
  await clock.advance(LEASE_MS * 2);
  await checkEnd(world, ids);
  const { violations, provider, kills, fences, events } = world;
  violations.push(...provider.reused.map((token) => `${token} was spent twice`));
  return { rotations: provider.rotations(), kills, leases: fences.size, events, violations };
}

async function captureAll(world: World): Promise<ReadonlyMap<string, SeedId>> {
  const seeds = seedsOf(world, { machine: 'machine-1', name: 'setup', mortality: 0 });
  const host = hostOf(world, 'machine-1');
  const ids = new Map<string, SeedId>();
  for (const account of ACCOUNTS) {
    const home = homeOf(`setup-${account}`);
    await host.makeDirectory(joinHostPath(home, '.agent'));
    await host.writeFile(loginIn(home), world.provider.logIn(account));
    ids.set(account, await seeds.seeds.capture({ host, home, pool: 'team' }));
    await host.remove(home, { recursive: true });
  }
  return ids;
}

function hostOf(world: World, machine: string): Host {
  const host = world.hosts.get(machine);
  if (host === undefined) throw new Error(`there is no ${machine}`);
  return host;
}

interface Program {
  readonly seeds: Seeds;
  readonly host: SeedHost;
  isDead(): boolean;
  /** Resolves when it is killed; never if it isn't. */
  readonly death: Promise<void>;
  readonly clock: SimulatedClock;
}

interface ProgramSettings {
  readonly machine: string;
  readonly name: string;
  /** The probability of dying at any one step. */
  readonly mortality: number;
}

/** A program that may die wherever it asks its store, its disk or its host for something: from then on nothing that it does has any effect. */
function seedsOf(world: World, { machine, name, mortality }: ProgramSettings): Program {
  const { dice } = world;
  const death = Promise.withResolvers<void>();
  const never = new Promise<never>(() => undefined);
  let dead = false;
  let awayUntil = 0;
  const step = async (): Promise<void> => {
    if (!dead && dice.happens(mortality)) {
      dead = true;
      world.kills += 1;
      journal.die(name);
      death.resolve();
    }
    if (dead) await never;
  };
  const shared = world.journals.get(machine) ?? createMemoryJournal();
  const journal = shared.another(name);
  const unavailable = (): SeedError => new SeedError('store-unavailable', 'The store is away.');
  const store = world.store.another({
    async intercept(operation, moment) {
      await step();
      const now = world.clock.monotonicMs();
      if (mortality > 0 && dice.happens(0.01)) awayUntil = now + dice.upTo(LEASE_MS * 2);
      if (now < awayUntil) throw unavailable();
      if (mortality > 0 && operation === 'update' && moment === 'after' && dice.happens(0.03))
        throw unavailable();
    },
  });
  const clock: SimulatedClock = {
    ...world.clock,
    async sleep(ms, options) {
      await world.clock.sleep(ms, options);
      if (dead) await never;
    },
  };
  const seeds = createSeeds({
    store,
    kind: testCredentialKind,
    manifest: testManifest,
    sealing: 'plaintext',
    journal,
    clock,
    leaseMs: LEASE_MS,
    reach: (place) => considerate(world, mortalHost(hostOf(world, place), step)),
    onEvent: (event) => world.events.push(event),
  });
  const host = mortalHost(hostOf(world, machine), step);
  return { seeds, host, isDead: () => dead, death: death.promise, clock };
}

function mortalHost(host: Host, step: () => Promise<void>): SeedHost {
  const mortal =
    <A extends unknown[], T>(work: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      await step();
      const result = await work(...args);
      await step();
      return result;
    };
  return {
    ...host,
    label: host.label,
    readFile: mortal(host.readFile),
    writeFile: mortal(host.writeFile),
    stat: mortal(host.stat),
    makeDirectory: mortal(host.makeDirectory),
    remove: mortal(host.remove),
    rename: mortal(host.rename),
    async *watch(path, options) {
      for await (const change of host.watch(path, options)) {
        await step();
        yield change;
      }
    },
  };
}

/** Takes no file away while a refresh of it is under way. */
function considerate({ busy, clock }: World, host: SeedHost): SeedHost {
  return {
    ...host,
    async rename(from, to) {
      while (busy.has(from)) await clock.sleep(100);
      await host.rename(from, to);
    },
  };
}

/** One program after another on a machine; the next begins some time after the last was killed. */
async function runLives(world: World, machine: string): Promise<void> {
  for (let life = 0; life < LIVES; life += 1) {
    world.homes += 1;
    const program = seedsOf(world, { machine, name: `${machine}-${world.homes}`, mortality: 0.004 });
    const tasks = Array.from({ length: TASKS }, () => runTask(world, program, machine));
    await Promise.race([Promise.all(tasks), program.death]);
    if (!program.isDead()) await program.seeds[Symbol.asyncDispose]();
    await world.clock.sleep(world.dice.upTo(LEASE_MS));
  }
}

async function runTask(world: World, program: Program, machine: string): Promise<void> {
  const { dice } = world;
  try {
    await program.clock.sleep(dice.upTo(20_000));
    if (dice.happens(0.25)) return await verifyOne(world, program);
    const lease = await program.seeds.acquire({ pool: 'team' }, 'task', { waitMs: 200_000 });
    const fence = `${lease.seedId}:${lease.fence}`;
    if (world.fences.has(fence)) world.violations.push(`the fencing token ${fence} was given twice`);
    world.fences.add(fence);
    world.homes += 1;
    const home = homeOf(`task-${world.homes}`);
    try {
      await lease.plant({ host: program.host, home });
      const watch = lease.watch();
      await runAgent(world, program, { lease, host: hostOf(world, machine), home });
      if (dice.happens(0.5)) await watch[Symbol.asyncDispose]();
    } finally {
      await lease[Symbol.asyncDispose]();
    }
    if (dice.happens(0.5)) await program.host.remove(home, { recursive: true });
  } catch (failure) {
    if (!(failure instanceof SeedError)) world.violations.push(`a task failed: ${String(failure)}`);
  }
}

interface AgentRun {
  readonly lease: SeedLease;
  readonly host: Host;
  readonly home: HostPath;
}

/**
 * Rotates its login now and then, as long as its program lives and holds the lease, and for a while after that. Reads the file before, as the real one does; its file is not taken
 * away while a refresh is under way: the token would be lost, whoever did it.
 */
async function runAgent(world: World, program: Program, { lease, host, home }: AgentRun): Promise<void> {
  const { dice, clock, provider, busy } = world;
  const endMs = clock.monotonicMs() + dice.upTo(150_000);
  let goesOnUntilMs = Number.POSITIVE_INFINITY;
  lease.signal.addEventListener('abort', () => {
    goesOnUntilMs = clock.monotonicMs() + dice.upTo(LEASE_MS / 2);
  });
  const isStopped = (): boolean => program.isDead() || clock.monotonicMs() > goesOnUntilMs;
  const path = loginIn(home);
  while (clock.monotonicMs() < endMs) {
    await clock.sleep(dice.upTo(dice.happens(0.5) ? 30_000 : 1_000));
    if (isStopped()) break;
    const text = await readText(host, path).catch(() => '{}');
    const reading = testCredentialKind.read(Buffer.from(text));
    if (isStopped() || reading.state !== 'logged-in' || busy.has(path)) break;
    busy.add(path);
    const { account, token } = JSON.parse(text);
    const next = provider.rotate(account, token);
    if (next !== undefined) {
      await clock.sleep(dice.upTo(1_000));
      if (dice.happens(0.2)) await host.writeFile(path, next.subarray(0, 10));
      await host.writeFile(path, next);
    }
    busy.delete(path);
    if (next === undefined) break;
  }
  if (program.isDead()) await new Promise(() => undefined);
}

async function verifyOne({ dice, provider, store }: World, { seeds }: Program): Promise<void> {
  const { seeds: all } = await store.list();
  const one = all[Math.floor(dice.upTo(all.length))];
  if (one === undefined) return;
  await seeds.verifyAndRefresh(one.facts.id, async (bytes) => {
    if (dice.happens(0.3)) return { outcome: 'unknown', reason: 'HTTP 503' };
    const { account, token } = JSON.parse(Buffer.from(bytes).toString());
    const next = provider.rotate(account, token);
    return next === undefined
      ? { outcome: 'invalid', reason: 'invalid_grant' }
      : { outcome: 'refreshed', bytes: next };
  });
}

/** On each machine one more program, which nothing happens to: after it every login must work. */
async function checkEnd(world: World, ids: ReadonlyMap<string, SeedId>): Promise<void> {
  for (const machine of MACHINES) {
    const { seeds } = seedsOf(world, { machine, name: `${machine}-last`, mortality: 0 });
    const left = await world.clock.until(seeds.catchUp());
    if (left > 0) world.violations.push(`${left} notes stay in the journal of ${machine}`);
  }
  const { seeds, host } = seedsOf(world, { machine: 'machine-1', name: 'check', mortality: 0 });
  for (const [account, seedId] of ids) {
    try {
      const home = homeOf(`check-${account}`);
      const lease = await world.clock.until(seeds.acquire({ seedId }, 'check'));
      await world.clock.until(lease.plant({ host, home }));
      const { token } = JSON.parse(await readText(host, loginIn(home)));
      if (token !== world.provider.current(account))
        world.violations.push(
          `${account} has ${token}, and its provider wants ${world.provider.current(account)}`,
        );
      await world.clock.until(Promise.resolve(lease[Symbol.asyncDispose]()));
    } catch (failure) {
      world.violations.push(`${account} cannot be had at the end: ${String(failure)}`);
    }
  }
}
