import { type Host, type HostPath, joinHostPath, readText } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import type { SeedEvent, SeedId } from '../src/index.ts';
import { SeedError } from '../src/seed-error.ts';
import { createMemorySeedStore } from '../src/testing/index.ts';
import { createChaosStory } from './chaos-story.ts';
import { type Climate, hostOf, LEASE_MS, type World } from './chaos-world.ts';
import { createDice, type Dice } from './dice.ts';
import { homeOf, loginIn } from './ground.ts';
import { createMemoryJournal } from './memory-journal.ts';
import { type Program, startProgram } from './mortal-program.ts';
import { createOldHomes } from './old-homes.ts';
import { createRotatingProvider } from './rotating-provider.ts';
import { runAgent } from './simulated-agent.ts';
import { createSimulatedClock } from './simulated-clock.ts';
import { runPartner } from './simulated-partner.ts';

/** What a run came to. */
export interface ChaosReport {
  readonly rotations: number;
  readonly kills: number;
  readonly leases: number;
  readonly events: readonly SeedEvent[];
  /** What must not happen; empty. */
  readonly violations: readonly string[];
  /** What came before, of the logins concerned. */
  readonly story: readonly string[];
}

const MACHINES = ['machine-1', 'machine-2'] as const;
const ACCOUNTS = ['ada', 'bob', 'eve'] as const;
const LIVES = 4;
const TASKS = 4;
const PARTNER_ROUNDS = 6;

/** Some runs are calm but for deaths, some have hardly a quiet second. */
function climateOf(dice: Dice): Climate {
  const upTo = (most: number): number => most * dice.upTo(1) ** 2;
  return {
    mortality: upTo(0.016),
    outages: upTo(0.04),
    lostAnswers: upTo(0.12),
    lateChanges: upTo(0.12),
    fullDisks: upTo(0.1),
    cutLinks: upTo(0.3),
  };
}

/**
 * Programs on two machines lease three logins, let agents rotate them, verify them, bring back old homes, and are killed in the middle of anything; their stores go away, answer too
 * late, and get changes when nobody waits for them any more; the provider's clock steps; now and then another program has the same pool.
 * At the end every login must be the one that its provider takes, and none was spent twice.
 */
export async function runChaos(seed: number): Promise<ChaosReport> {
  const dice = createDice(seed);
  const clock = createSimulatedClock(dice);
  const story = createChaosStory(clock.monotonicMs);
  const world: World = {
    dice,
    climate: climateOf(dice),
    clock,
    provider: createRotatingProvider(dice, (account, token, spent) => {
      story.learn(account, token);
      story.tell(account, `the provider gives ${token} for ${spent}`);
    }),
    store: createMemorySeedStore({ now: () => 1_700_000_000_000 + Math.floor(clock.monotonicMs()) }),
    hosts: new Map(MACHINES.map((label) => [label, createMemoryHost({ label })])),
    journals: new Map(MACHINES.map((machine) => [machine, createMemoryJournal(dice)])),
    oldHomes: createOldHomes(),
    violations: [],
    events: [],
    story,
    fences: new Set(),
    busy: new Set(),
    kills: 0,
    homes: 0,
  };
  const ids = await captureAll(world);
  const lives = [...MACHINES, ...MACHINES].map((machine) => runLives(world, machine));
  const partner = dice.happens(0.3) ? [runPartner(world, PARTNER_ROUNDS)] : [];
  await clock.until(Promise.all([...lives, ...partner]));
  await clock.advance(LEASE_MS * 2);
  await checkEnd(world, ids);
  const { violations, provider, kills, fences, events } = world;
  violations.push(...provider.reused.map((token) => `${token} was spent twice`));
  const harmed = [...ids].filter(([account, id]) =>
    violations.some((each) => each.includes(account) || each.includes(id)),
  );
  return {
    rotations: provider.rotations(),
    kills,
    leases: fences.size,
    events,
    violations,
    story: story.of(harmed.flat()),
  };
}

async function captureAll(world: World): Promise<ReadonlyMap<string, SeedId>> {
  const seeds = startProgram(world, { machine: 'machine-1', name: 'setup' });
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

/** One program after another on a machine; the next begins some time after the last was killed. */
async function runLives(world: World, machine: string): Promise<void> {
  for (let life = 0; life < LIVES; life += 1) {
    world.homes += 1;
    const program = startProgram(world, {
      machine,
      name: `${machine}-${world.homes}`,
      climate: world.climate,
    });
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
    if (dice.happens(0.1)) return await lookAround(world, program);
    const lease = await program.seeds.acquire({ pool: 'team' }, 'task', { waitMs: 200_000 });
    const fence = `${lease.seedId}:${lease.fence}`;
    if (world.fences.has(fence)) world.violations.push(`the fencing token ${fence} was given twice`);
    world.fences.add(fence);
    world.homes += 1;
    const home = homeOf(`task-${world.homes}`);
    const host = hostOf(world, machine);
    if (dice.happens(0.3)) await world.oldHomes.bringBack(host, home, dice);
    try {
      await lease.plant({ host: program.host, home });
      await checkPlanted(world, host, home);
      world.story.tell(lease.seedId, `${program.name}: planted for ${lease.holder.slice(0, 9)} in ${home}`);
      const watch = lease.watch();
      const done = new AbortController();
      const noting = noteNowAndThen(world, host, { home, signal: done.signal });
      await runAgent(world, program, { lease, host, home }).finally(() => done.abort());
      await noting;
      if (dice.happens(0.5)) await watch[Symbol.asyncDispose]();
    } finally {
      await lease[Symbol.asyncDispose]();
    }
    if (dice.happens(0.5)) await program.host.remove(home, { recursive: true });
  } catch (failure) {
    if (!(failure instanceof SeedError)) world.violations.push(`a task failed: ${String(failure)}`);
  }
}

/** What a session begins with is what its provider takes. */
async function checkPlanted(
  { provider, story, violations }: World,
  host: Host,
  home: HostPath,
): Promise<void> {
  const { account, token } = JSON.parse(await readText(host, loginIn(home)));
  if (token === provider.current(account)) return;
  const harm = `${token} was planted, and the provider of ${account} wants ${provider.current(account)}`;
  violations.push(harm);
  story.tellHarm(account, harm);
}

/** As one who takes snapshots while an agent works. */
async function noteNowAndThen(
  { clock, dice, oldHomes }: World,
  host: Host,
  { home, signal }: { readonly home: HostPath; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await oldHomes.note(host, home);
    await clock.sleep(dice.upTo(60_000), { signal });
  }
}

/** What people and other parts of a program do with seeds meanwhile. */
async function lookAround({ dice, store }: World, { seeds }: Program): Promise<void> {
  for (const { facts } of (await store.list()).seeds) {
    await seeds.label(facts.id, `login ${dice.upTo(100)}`);
    await seeds.recordQuota(facts.id, {
      takenMs: 1,
      windows: [{ label: 'day', usedPercent: dice.upTo(90) }],
    });
    await seeds.assignToPool(facts.id, dice.happens(0.1) ? undefined : 'team');
    await seeds.get(facts.id);
  }
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
    const { seeds } = startProgram(world, { machine, name: `${machine}-last` });
    let left = 0;
    // Who takes notes may leave some.
    for (let round = 0; round < 20; round += 1) left = await world.clock.until(seeds.catchUp());
    if (left > 0) world.violations.push(`${left} notes stay in the journal of ${machine}`);
  }
  const { seeds, host } = startProgram(world, { machine: 'machine-1', name: 'check' });
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
