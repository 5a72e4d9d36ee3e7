import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { DatabaseSync } from 'node:sqlite';

const DRIFT_MS = 2_000;

export interface ClockReading {
  readonly nowMs: number;
  /** What it is counted from: another number once the clock was set. */
  readonly zero: number;
}

/**
 * A clock that all programs on this machine share, and that does not step when somebody sets the time: the machine's uptime, counted from when it was first seen
 * in this boot. It follows a wall clock that was set as soon as no lease runs.
 */
export interface BootClock {
  /** @param latestLease gives when the last of the leases that are stored ends; 0 if there is none. */
  read(latestLease: () => number): ClockReading;
}

export function createBootClock(database: DatabaseSync): BootClock {
  database.exec(
    'CREATE TABLE IF NOT EXISTS clock (one INTEGER PRIMARY KEY CHECK (one = 1), boot TEXT NOT NULL, zero REAL NOT NULL)',
  );
  const stored = database.prepare('SELECT boot, zero FROM clock');
  const set = database.prepare(
    'INSERT INTO clock VALUES (1, :boot, :zero) ON CONFLICT (one) DO UPDATE SET boot = :boot, zero = :zero',
  );
  const boot = bootId();
  /** Gives also whether the clock is to be set first, and to what. */
  const look = (latestLeaseMs: number): ClockReading & { readonly setTo?: number } => {
    const row = stored.get() as { boot: string; zero: number } | undefined;
    const up = uptime() * 1000;
    // Who held a lease before the machine was started anew is no more.
    const from = Math.max(Date.now(), latestLeaseMs);
    if (row?.boot !== boot) return { ...readingAt(from - up, up), setTo: from - up };
    const reading = readingAt(row.zero, up);
    const isFree = latestLeaseMs <= row.zero + up;
    return isFree && Math.abs(from - reading.nowMs) > DRIFT_MS ? { ...reading, setTo: from - up } : reading;
  };
  return {
    read(latestLease) {
      const seen = look(latestLease());
      if (seen.setTo === undefined) return seen;
      return inOneGo(database, () => {
        // Somebody may have set it, or taken a lease, since.
        const { setTo } = look(latestLease());
        if (setTo !== undefined) set.run({ boot, zero: setTo });
        return look(latestLease());
      });
    },
  };
}

function readingAt(zero: number, up: number): ClockReading {
  return { nowMs: Math.floor(zero + up), zero };
}

/** Nobody else writes meanwhile. */
function inOneGo<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } finally {
    if (database.isTransaction) database.exec('ROLLBACK');
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}
