/**
 * Runs tasks on the seeds of a pool until it is told to end, or killed: `node controller.ts <plan file> <slot> <life>`. Beside them it looks after seeds that nobody uses.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HostError } from '@seedbed/host';
import { refreshIdleSeeds, SeedError, type Verification } from '@seedbed/seeds';
import { logChaos } from './chaos-log.ts';
import { POOL, readPlan } from './chaos-plan.ts';
import { createPlaces, IMPATIENT, journalOf, openChaosSeeds, openChaosStore } from './chaos-seeds.ts';
import { runChaosSession, type SessionGround } from './chaos-session.ts';
import { createDice } from './dice.ts';
import { createMarks } from './do-not-disturb.ts';
import { guardRefresh } from './guarded-refresh.ts';
import { createLeapingClock, followWallClock } from './stepped-clocks.ts';

const plan = readPlan(process.argv[2] ?? '');
const [slot = 0, life = 0] = process.argv.slice(3).map(Number);
const name = `slot-${slot}-${life}`;
const dice = createDice(plan.number, name);
followWallClock(plan.folder);

const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());

/** What a program on a bad day must expect is none of the judge's business; anything else is. */
function noteFailure(failure: unknown): void {
  if (failure instanceof SeedError || failure instanceof HostError) return;
  logChaos(plan.folder, {
    type: 'fault',
    story: failure instanceof Error ? `${failure.stack}` : String(failure),
  });
}

async function openStoreAtLast(): ReturnType<typeof openChaosStore> {
  for (;;) {
    try {
      return await openChaosStore(plan.store, IMPATIENT);
    } catch (failure) {
      noteFailure(failure);
      await sleep(100 + dice.upTo(300));
    }
  }
}

const marks = createMarks(`${plan.folder}/marks`);
const tokenUrl = `${plan.tokenUrl}?by=verification/${name}`;
const { journal, refresh } = guardRefresh(journalOf(plan, slot), { marks, tokenUrl });
await using places = createPlaces(plan);
await using store = await openStoreAtLast();
const clock = createLeapingClock(plan.folder, createDice(plan.number, `${name}-clock`));
await using seeds = openChaosSeeds(plan, { store, places, journal, clock });
const ground: SessionGround = { plan, seeds, places, dice, signal: stop.signal };
const onVerified = ({ outcome }: Verification): void => logChaos(plan.folder, { type: 'verified', outcome });

async function runTasks(number: number): Promise<void> {
  for (let session = 0; !stop.signal.aborted; session += 1) {
    await runChaosSession(ground, `${name}-task-${number}-${session}`).catch(noteFailure);
    await sleep(dice.upTo(dice.happens(0.3) ? 300 : 12_000), undefined, { signal: stop.signal }).catch(
      () => undefined,
    );
  }
}

async function verifyAtRandom(): Promise<void> {
  while (!stop.signal.aborted) {
    await sleep(200 + dice.upTo(1_500), undefined, { signal: stop.signal }).catch(() => undefined);
    try {
      const one = dice.oneOf(await seeds.list({ pool: POOL }));
      if (one !== undefined && !stop.signal.aborted)
        onVerified(await seeds.verifyAndRefresh(one.id, refresh));
    } catch (failure) {
      noteFailure(failure);
    }
  }
}

{
  await using _idle = refreshIdleSeeds(seeds, {
    refresh,
    pool: POOL,
    everyMs: 2_000,
    olderThanMs: 3_000,
    onVerified,
    onFailure: noteFailure,
  });
  await Promise.all([verifyAtRandom(), ...Array.from({ length: plan.tasks }, (_, task) => runTasks(task))]);
}
