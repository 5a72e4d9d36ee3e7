import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SeedClock } from '@seedbed/seeds';
import { logChaos } from './chaos-log.ts';
import type { Dice } from './dice.ts';

const MINUTE_MS = 60_000;

/** The wall clock of all programs of a run, which somebody sets: forward and back. */
export interface WallClock extends Disposable {
  set(offsetMs: number): void;
}

function offsetFile(folder: string): string {
  return join(folder, 'wall-offset');
}

export function openWallClock(folder: string): WallClock {
  const file = openSync(offsetFile(folder), 'w');
  const set = (offsetMs: number): void => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(offsetMs);
    writeSync(file, bytes, 0, 8, 0);
  };
  set(0);
  return { set, [Symbol.dispose]: () => closeSync(file) };
}

/** From now on `Date.now` of this program is that wall clock. Every call reads it, so that all programs see a step at once. */
export function followWallClock(folder: string): void {
  const file = openSync(offsetFile(folder), 'r');
  const machineTime = Date.now;
  const bytes = Buffer.alloc(8);
  Date.now = () => {
    readSync(file, bytes, 0, 8, 0);
    return machineTime() + Math.round(bytes.readDoubleLE());
  };
}

/** A program's own clock: minutes away from those of others, and now and then it leaps, as after a machine has slept. */
export function createLeapingClock(folder: string, dice: Dice): SeedClock {
  let offsetMs = dice.upTo(60 * MINUTE_MS);
  const leap = (): void => {
    const minutes = 1 + Math.floor(dice.upTo(9));
    offsetMs += minutes * MINUTE_MS;
    logChaos(folder, { type: 'clock-step', minutes });
    setTimeout(leap, 5_000 + dice.upTo(40_000)).unref();
  };
  setTimeout(leap, 5_000 + dice.upTo(40_000)).unref();
  return {
    monotonicMs: () => performance.now() + offsetMs,
    random: () => dice.upTo(1),
    async sleep(ms, { signal, background = false } = {}) {
      const options = { ref: !background, ...(signal === undefined ? {} : { signal }) };
      await sleep(ms, undefined, options).catch(() => undefined);
    },
  };
}
