import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SeedClock } from '../src/seed-clock.ts';
import { createDice, type Dice } from './dice.ts';

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Time that passes only when a test says so. */
export interface SimulatedClock extends SeedClock {
  /** Lets so much time pass; whoever sleeps until then wakes in order, and does what it can before the next. */
  advance(ms: number): Promise<void>;
  /** Lets time pass, from sleeper to sleeper, until the work is done. */
  until<T>(work: Promise<T>): Promise<T>;
}

/** Turns of the event loop after which everything that needs no time has happened. */
const TURNS = 20;

export function createSimulatedClock(dice: Dice = createDice(1)): SimulatedClock {
  let now = 1_000;
  const sleepers = new Set<Sleeper>();
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  };
  const wakeNext = (limitMs: number): boolean => {
    let next: Sleeper | undefined;
    for (const sleeper of sleepers) if (next === undefined || sleeper.atMs < next.atMs) next = sleeper;
    if (next === undefined || next.atMs > limitMs) return false;
    now = Math.max(now, next.atMs);
    next.wake();
    return true;
  };
  return {
    monotonicMs: () => now,
    random: () => dice.upTo(1),
    sleep(ms, { signal } = {}) {
      if (signal?.aborted) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => {
        sleepers.delete(sleeper);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper: Sleeper = { atMs: now + ms, wake };
      sleepers.add(sleeper);
      signal?.addEventListener('abort', wake, { once: true });
      return promise;
    },
    async advance(ms) {
      const endMs = now + ms;
      await settle();
      while (wakeNext(endMs)) await settle();
      now = endMs;
    },
    async until(work) {
      let isDone = false;
      work.then(
        () => {
          isDone = true;
        },
        () => {
          isDone = true;
        },
      );
      for (;;) {
        await settle();
        if (isDone) return await work;
        if (!wakeNext(Number.POSITIVE_INFINITY)) throw new Error('Nobody sleeps, and the work is not done.');
      }
    },
  };
}
