import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OAuthFault, RotatingOAuth } from '../../src/testing/index.ts';
import { logChaos, readChaosLog } from './chaos-log.ts';
import { CHAOS_MARK, type ChaosPlan, planFile } from './chaos-plan.ts';
import type { Dice } from './dice.ts';
import { isRunning, killUndisturbed } from './do-not-disturb.ts';
import type { WallClock } from './stepped-clocks.ts';
import type { FragileStore } from './store-outage.ts';

const CONTROLLER = join(import.meta.dirname, 'controller.ts');
const START_MS = 60_000;
const END_MS = 120_000;
/** So long that a program gives up asking, and notes on its own disk what it could not tell. */
const LONG_OUTAGE_MS = 10_500;

/** How often what was done to them. */
export interface Disturbances {
  readonly controllerKills: number;
  readonly agentKills: number;
  readonly outages: number;
  readonly wallClockSteps: number;
  readonly providerFaults: number;
}

export interface DisturbOptions {
  readonly oauth: RotatingOAuth;
  readonly fragile: FragileStore;
  readonly wall: WallClock;
  readonly dice: Dice;
  readonly controllers: number;
  readonly seconds: number;
}

/** Starts the controllers, leaves them no peace for a while, and ends them: most as they should be ended, the others not. */
export async function disturb(plan: ChaosPlan, options: DisturbOptions): Promise<Disturbances> {
  const { dice, fragile, oauth, seconds, wall } = options;
  const fleet = createFleet(plan, options.controllers);
  const counts = { controllerKills: 0, agentKills: 0, outages: 0, wallClockSteps: 0, providerFaults: 0 };
  const note = (what: string): void => logChaos(plan.folder, { type: 'disturbance', what });
  const outages: Promise<void>[] = [];
  let awayUntil = 0;
  const outage = (): void => {
    if (performance.now() < awayUntil) return;
    const ms = dice.happens(0.3) ? LONG_OUTAGE_MS + dice.upTo(3_000) : 300 + dice.upTo(plan.leaseMs * 1.5);
    awayUntil = performance.now() + ms + plan.leaseMs;
    note(`the store goes away for ${Math.round(ms)} ms`);
    outages.push(fragile.away(ms, dice));
    counts.outages += 1;
  };
  try {
    await firstSession(plan, fleet);
    const endMs = performance.now() + seconds * 1_000;
    while (performance.now() < endMs) {
      await sleep(100 + dice.upTo(900));
      fleet.fill();
      const what = dice.upTo(1);
      if (what < 0.05) counts.controllerKills += Number(fleet.kill(dice));
      else if (what < 0.18) counts.agentKills += Number(killAgent(plan, dice));
      else if (what < 0.23) outage();
      else if (what < 0.3) {
        wall.set((dice.upTo(20) - 10) * 60_000);
        counts.wallClockSteps += 1;
      } else if (what < 0.5) {
        const fault = dice.oneOf(FAULTS);
        if (fault !== undefined) await oauth.fail(fault);
        counts.providerFaults += 1;
      }
    }
    await Promise.all(outages);
    if (dice.happens(0.5)) counts.controllerKills += Number(fleet.kill(dice));
  } finally {
    await fleet.end();
    await Promise.allSettled(outages);
  }
  await useUpFaults(oauth);
  return counts;
}

/** The time of a run counts from here: on a busy machine it could be over before there was anything to disturb. */
async function firstSession({ folder }: ChaosPlan, fleet: Fleet): Promise<void> {
  const latestMs = performance.now() + START_MS;
  while (performance.now() < latestMs) {
    fleet.fill();
    if (readChaosLog(folder).some(({ type }) => type === 'acquired')) return;
    await sleep(200);
  }
}

/** None that takes an answer away which the provider has given: no agent survives that. */
const FAULTS: readonly OAuthFault[] = [
  { type: 'status', status: 503 },
  { type: 'status', status: 429, retryAfter: 1 },
  { type: 'html' },
  { type: 'cut', when: 'received' },
  { type: 'slow', ms: 300 },
  { type: 'slow', ms: 800 },
];

/** What was meant for those who are gone must not befall who looks after them. */
async function useUpFaults(oauth: RotatingOAuth): Promise<void> {
  for (;;) {
    await fetch(`${oauth.tokenUrl}?by=supervisor`, { method: 'POST' }).catch(() => undefined);
    const asked = (await oauth.audit()).requests.filter(({ by }) => by === 'supervisor');
    if (asked.length > 0 && asked.at(-1)?.fault === undefined) return;
  }
}

/** Kills a process unless this is a bad moment for it, and notes it. */
function kill(folder: string, what: string, pid: number): boolean {
  const isKilled = killUndisturbed(pid, join(folder, 'marks'));
  if (isKilled) logChaos(folder, { type: 'disturbance', what: `${what} ${pid} is killed` });
  return isKilled;
}

function killAgent({ folder }: ChaosPlan, dice: Dice): boolean {
  const agents = readChaosLog(folder).flatMap((entry) => (entry.type === 'agent' ? [entry.pid] : []));
  const recent = agents.slice(-6).filter(isRunning);
  const pid = dice.oneOf(recent);
  return pid !== undefined && kill(folder, 'agent', pid);
}

interface Fleet {
  /** Starts a controller for every slot that has none. */
  fill(): void;
  kill(dice: Dice): boolean;
  /** Tells all to end, and waits for it. */
  end(): Promise<void>;
}

function createFleet(plan: ChaosPlan, size: number): Fleet {
  const slots: (ChildProcess | undefined)[] = Array.from({ length: size }, () => undefined);
  const lives = slots.map(() => 0);
  const start = (slot: number): ChildProcess => {
    const argv = [CONTROLLER, planFile(plan.folder), String(slot), String(lives[slot])];
    lives[slot] = (lives[slot] ?? 0) + 1;
    const child = spawn(process.execPath, argv, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, [CHAOS_MARK]: plan.mark },
    });
    child.once('exit', (code) => {
      slots[slot] = undefined;
      if (code !== null && code !== 0)
        logChaos(plan.folder, { type: 'fault', story: `a controller ended with code ${code}` });
    });
    return child;
  };
  return {
    fill: () => {
      for (const slot of slots.keys()) slots[slot] ??= start(slot);
    },
    kill(dice) {
      const child = dice.oneOf(slots.filter((each) => each !== undefined));
      return child?.pid !== undefined && kill(plan.folder, 'controller', child.pid);
    },
    async end() {
      const ending = slots.flatMap((child) => {
        if (child === undefined) return [];
        const exited = once(child, 'exit');
        child.kill('SIGTERM');
        const late = setTimeout(() => {
          logChaos(plan.folder, { type: 'fault', story: `a controller did not end within ${END_MS} ms` });
          child.kill('SIGKILL');
        }, END_MS);
        return [exited.finally(() => clearTimeout(late))];
      });
      await Promise.all(ending);
    },
  };
}
