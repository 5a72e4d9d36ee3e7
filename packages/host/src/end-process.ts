import { setTimeout as delay } from 'node:timers/promises';
import { HostError } from './host-error.ts';
import { checkTime, timerMs } from './option-values.ts';
import type { EndOptions, ProcessExit } from './process.ts';

const STEPS = ['eof', 'term', 'kill'] as const;
const TERM_STEP = 1;
const KILL_STEP = 2;
const DEFAULT_GRACE_MS = 5_000;
/** How long a killed process may take to go: longer means that it hangs in the kernel, or is not ours to kill. */
const KILL_DEADLINE_MS = 30_000;
const FIRST_LOOK_MS = 5;
const LATEST_LOOK_MS = 100;

/** The processes that come from one that a host started. */
export interface EndableGroup {
  /** Signals all that come from the leader, also those that left its group. */
  signalAll(name: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** How many of them live. */
  countLiving(): Promise<number>;
}

export interface Endable {
  readonly pid: number;
  readonly exit: Promise<ProcessExit>;
  readonly group: EndableGroup;
  /** Ends the process's input. */
  hangUp(): void;
}

/**
 * Ends a process and all that comes from it: see `HostProcess.end`. A later call can only make the ending under way harsher; where that has failed, it goes on from
 * the step that failed.
 */
export function createEnding(target: Endable): (options?: EndOptions) => Promise<ProcessExit> {
  let running: Promise<ProcessExit> | undefined;
  let current = -1;
  let demanded = 0;
  let graceMs: number | undefined;
  let hastened = new AbortController();
  let leaderExited = false;
  void target.exit.then(() => {
    leaderExited = true;
  });

  const takeSteps = async (): Promise<ProcessExit> => {
    while (current < KILL_STEP) {
      // Its input ended with the leader: whoever shared it has had its chance.
      current = Math.max(current + 1, demanded, leaderExited ? TERM_STEP : 0);
      hastened = new AbortController();
      await takeStep(target, current);
      const kill = current === KILL_STEP;
      const waitMs = kill ? KILL_DEADLINE_MS : (graceMs ?? DEFAULT_GRACE_MS);
      if (await goneWithin(target, { waitMs, hastened: hastened.signal, kill })) return await target.exit;
    }
    throw new HostError(
      'timeout',
      `Process ${target.pid}, or one that comes from it, still runs ${KILL_DEADLINE_MS} ms after SIGKILL: it hangs in the kernel or belongs to another user.`,
    );
  };
  const run = async (): Promise<ProcessExit> => {
    try {
      return await takeSteps();
    } catch (failure) {
      // What stood in the way may be gone when somebody calls again.
      running = undefined;
      current -= 1;
      throw failure;
    }
  };

  return async (options = {}) => {
    checkTime(options.graceMs, 'graceMs');
    demanded = Math.max(demanded, STEPS.indexOf(options.from ?? 'eof'));
    const wanted = options.graceMs ?? graceMs ?? DEFAULT_GRACE_MS;
    graceMs = Math.min(graceMs ?? wanted, wanted);
    if (demanded > current) hastened.abort();
    running ??= run();
    return await running;
  };
}

async function takeStep(target: Endable, step: number): Promise<void> {
  if (step === 0) target.hangUp();
  else await target.group.signalAll(step === KILL_STEP ? 'SIGKILL' : 'SIGTERM');
}

interface Patience {
  readonly waitMs: number;
  readonly hastened: AbortSignal;
  readonly kill: boolean;
}

/**
 * Whether nothing of the tree is left before the wait is over. The end of the leader is awaited; that of processes which are not
 * our children can only be looked for, as the kernel tells it to their parents alone.
 */
async function goneWithin(target: Endable, patience: Patience): Promise<boolean> {
  const over = AbortSignal.any([patience.hastened, AbortSignal.timeout(timerMs(patience.waitMs))]);
  if (!(await settledBefore(target.exit, over))) return false;
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LATEST_LOOK_MS)) {
    if (await isGone(target.group)) return true;
    if (over.aborted) return false;
    if (patience.kill) await target.group.signalAll('SIGKILL');
    await delay(pauseMs, undefined, { signal: over }).catch(() => undefined);
  }
}

/**
 * A look takes time: a process that is killed during it may have started another that it does not show. So nothing is gone before two looks
 * in a row say so.
 */
async function isGone(group: EndableGroup): Promise<boolean> {
  return (await group.countLiving()) === 0 && (await group.countLiving()) === 0;
}

async function settledBefore(promise: Promise<unknown>, over: AbortSignal): Promise<boolean> {
  if (over.aborted) return false;
  const cut = Promise.withResolvers<boolean>();
  const onOver = (): void => cut.resolve(false);
  over.addEventListener('abort', onOver, { once: true });
  try {
    return await Promise.race([promise.then(() => true), cut.promise]);
  } finally {
    over.removeEventListener('abort', onOver);
  }
}
