import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Host, type HostProcess, hostPath, joinHostPath } from '@seedbed/host';
import type { SeedLease, Seeds } from '@seedbed/seeds';
import { logChaos } from './chaos-log.ts';
import { CHAOS_MARK, type ChaosPlan, POOL } from './chaos-plan.ts';
import type { Place, Places } from './chaos-seeds.ts';
import type { Dice } from './dice.ts';
import { isRunning } from './do-not-disturb.ts';
import type { StandInTask } from './stand-in-agent.ts';

const AGENT = join(import.meta.dirname, 'stand-in-agent.ts');
const LONGEST_SESSION_MS = 6_000;
/** Of an agent that nobody ends. */
const LIFE_MS = 20_000;
/** For an agent that has a refresh under way. */
const GRACE_MS = 30_000;

export interface SessionGround {
  readonly plan: ChaosPlan;
  readonly seeds: Seeds;
  readonly places: Places;
  readonly dice: Dice;
  readonly signal: AbortSignal;
}

/** One task: leases a seed, plants it, lets an agent use it, and gives it back. */
export async function runChaosSession(ground: SessionGround, name: string): Promise<void> {
  const { dice, places, plan, seeds, signal } = ground;
  const lease = await seeds.acquire({ pool: POOL }, name, { waitMs: 60_000, signal });
  const { fence, seedId } = lease;
  logChaos(plan.folder, { type: 'acquired', seedId, fence });
  const place: Place = plan.ssh !== undefined && dice.happens(0.25) ? 'ssh' : 'here';
  const home = hostPath(join(plan.folder, 'homes', `${name}-${fence}-${seedId}`));
  let host: Host | undefined;
  try {
    host = await places.host(place);
    if (host === undefined) throw new Error(`There is no ${place}.`);
    await lease.plant({ host, home, place, signal });
    await useLogin(ground, lease, { host, place, authJson: joinHostPath(home, '.codex/auth.json') });
  } finally {
    await lease[Symbol.asyncDispose]();
  }
  await host.remove(home, { recursive: true });
}

interface Planted {
  readonly host: Host;
  readonly place: Place;
  readonly authJson: string;
}

async function useLogin(
  { dice, plan, signal }: SessionGround,
  lease: SeedLease,
  planted: Planted,
): Promise<void> {
  const watch = lease.watch();
  const by = `agent/${lease.seedId}/${lease.fence}`;
  const task: StandInTask = {
    folder: plan.folder,
    authJson: planted.authJson,
    tokenUrl: `${plan.tokenUrl}?by=${by}`,
    way: dice.happens(0.5) ? 'in-place' : 'rename',
    where: planted.place,
    outlives: dice.happens(0.3),
    refusals: Array.from({ length: Math.floor(dice.upTo(7)) }, () => 200 + dice.upTo(2_000)),
    lifeMs: LIFE_MS,
  };
  const agent = await planted.host.spawn({
    // Out of the reach of the host's guard, which would kill it two seconds after its program, in the middle of a refresh if that takes longer.
    argv: ['env', '-u', 'SEEDBED_PROCESS', process.execPath, AGENT, JSON.stringify(task)],
    env: { [CHAOS_MARK]: plan.mark },
  });
  const how = await Promise.race([
    agent.exit.then(({ kind }) => `agent ${kind}`),
    firing(lease.signal).then(() => 'lease lost'),
    firing(signal).then(() => 'told to stop'),
    sleep(500 + dice.upTo(LONGEST_SESSION_MS), 'turn done'),
  ]);
  await endAgent(agent);
  logChaos(plan.folder, { type: 'session-over', how });
  if (dice.happens(0.5)) await watch[Symbol.asyncDispose]();
}

async function endAgent(agent: HostProcess): Promise<void> {
  const { kind } = await agent.end({ from: 'term', graceMs: GRACE_MS });
  // Out of sight, behind a link that broke, it lives on for a while: its login is not given back before that is over. All places are this machine.
  for (let waited = 0; kind === 'lost' && isRunning(agent.pid) && waited < LIFE_MS; waited += 100)
    await sleep(100);
}

async function firing(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}
