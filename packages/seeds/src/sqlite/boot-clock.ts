import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';

const DRIFT_MS = 2_000;

/**
 * A clock that all programs on this machine share, and that does not step when somebody sets the time: the machine's uptime, counted from when it was first seen
 * in this boot. It follows a wall clock that was set as soon as no lease runs.
 */
export interface BootClock {
  /** @param latestLeaseMs when the last of the leases that are stored ends; 0 if there is none. */
  now(latestLeaseMs: number): number;
}

export function createBootClock(database: DatabaseSync): BootClock {
  database.exec(
    'CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, zero REAL NOT NULL)',
  );
  const read = database.prepare('SELECT boot, zero FROM clock');
  const begin = database.prepare(
    'INSERT INTO clock VALUES (1, :boot, :zero) ON CONFLICT (one) DO UPDATE SET boot = :boot, zero = :zero WHERE boot <> :boot OR zero = :old',
  );
  const boot = bootId();
  return {
    now(latestLeaseMs) {
      const row = read.get() as { boot: string; zero: number } | undefined;
      const up = uptime() * 1000;
      const wall = Date.now();
      if (row?.boot === boot) {
        const now = row.zero + up;
        const drifts = Math.abs(wall - now) > DRIFT_MS && latestLeaseMs <= now;
        if (!drifts) return Math.floor(now);
      }
      // Who held a lease before the machine was started anew is no more.
      const from = Math.max(wall, latestLeaseMs);
      begin.run({ boot, zero: from - up, old: row?.zero ?? 0 });
      const anchored = read.get() as { zero: number };
      return Math.floor(anchored.zero + uptime() * 1000);
    },
  };
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
