import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fingerprintId } from '../fingerprint-id.ts';
import { parseSeedFacts } from '../parse-seed-facts.ts';
import { refuseTilde } from '../require-settings.ts';
import { SeedError, throwIfAborted } from '../seed-error.ts';
import type { SeedFacts, SeedId } from '../seed-facts.ts';
import { isUnreadable, readEach, type SeedReading, type SeedStore, type SeedVersion } from '../seed-store.ts';
import { type ClockReading, createBootClock } from './boot-clock.ts';
import { isBusy, sqliteFailure } from './sqlite-failure.ts';

export interface SqliteSeedStoreOptions {
  /** The database's file; it and its folder are created for this user alone. On a local disk: SQLite's locks do not hold on network file systems. */
  readonly file: string;
}

/** What a statement waits for another program's, and everything in this program with it; then the event loop goes on, and it is tried anew. */
const BUSY_MS = 5;
const PATIENCE_MS = 10_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS seeds (
    id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    pool TEXT,
    lease_ends REAL NOT NULL,
    facts TEXT NOT NULL,
    content BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS seeds_by_pool ON seeds (pool);
`;

/**
 * Seeds in one file, for programs on one machine. What was stored is on the disk before the promise resolves.
 *
 * @throws {SeedError} `invalid-config` for a file below `~`, `store-unavailable`, `store-failed`.
 */
export async function openSqliteSeedStore(options: SqliteSeedStoreOptions): Promise<SeedStore> {
  refuseTilde({ file: options.file });
  const file = resolve(options.file);
  const attempt = `open the seeds in ${file}`;
  const database = await tried(attempt, () => openDatabase(file));
  try {
    return await tried(attempt, () => createStore(database, file));
  } catch (failure) {
    database.close();
    throw failure;
  }
}

function openDatabase(file: string): DatabaseSync {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(file, { timeout: BUSY_MS });
  try {
    // Before anything is in it; SQLite gives its other files the same mode.
    chmodSync(file, 0o600);
    database.exec(SCHEMA);
    return database;
  } catch (failure) {
    database.close();
    throw failure;
  }
}

type Row = Record<string, SQLOutputValue>;

function createStore(database: DatabaseSync, file: string): SeedStore {
  const clock = createBootClock(database);
  const latestLease = database.prepare('SELECT max(lease_ends) AS latest FROM seeds');
  const one = database.prepare('SELECT revision, facts, content FROM seeds WHERE id = ?');
  const all = database.prepare('SELECT id, revision, facts FROM seeds');
  const pool = database.prepare('SELECT id, revision, facts FROM seeds WHERE pool = ?');
  const insert = database.prepare('INSERT INTO seeds VALUES (:id, 1, :pool, :leaseEnds, :facts, :content)');
  // What a reading says of leases holds by the clock that it was read by.
  const asRead = 'id = :id AND revision = :revision AND :zero = (SELECT zero FROM clock)';
  const change = `revision = revision + 1, pool = :pool, lease_ends = :leaseEnds, facts = :facts WHERE ${asRead}`;
  const update = database.prepare(`UPDATE seeds SET ${change}`);
  const replace = database.prepare(`UPDATE seeds SET content = :content, ${change}`);
  const remove = database.prepare(`DELETE FROM seeds WHERE ${asRead}`);
  const look = (): ClockReading => clock.read(() => Number(latestLease.get()?.['latest'] ?? 0));
  const ask = <T>(what: string, work: () => T, signal?: AbortSignal): Promise<T> =>
    tried(`${what} in ${file}`, work, signal);
  return {
    label: `sqlite ${file}`,
    contentReadBy: 'nobody',
    createId: fingerprintId,
    now: ({ signal } = {}) => ask('read the time', () => look().nowMs, signal),
    get: (id, { signal } = {}) =>
      ask(
        `read seed ${id}`,
        () => {
          const { nowMs, zero } = look();
          const row = one.get(id);
          return row && { ...reading(row, zero), content: bytesOf(row['content']), nowMs };
        },
        signal,
      ),
    list: ({ pool: wanted, signal } = {}) =>
      ask(
        'list the seeds',
        () => {
          const { nowMs, zero } = look();
          const rows = wanted === undefined ? all.all() : pool.all(wanted);
          const listed = readEach(rows, {
            read: (row) => reading(row, zero),
            idOf: (row) => String(row['id']) as SeedId,
          });
          return { ...listed, nowMs };
        },
        signal,
      ),
    insert: (facts, content) =>
      ask('add a seed', () => {
        insert.run({ ...columns(facts), content });
      }),
    update: ({ version }, { facts, content }) =>
      ask(`change seed ${facts.id}`, () => {
        const values = { ...columns(facts), ...readIn(version) };
        const { changes } = content === undefined ? update.run(values) : replace.run({ ...values, content });
        return Number(changes) === 1;
      }),
    remove: ({ facts, version }) =>
      ask(
        `remove seed ${facts.id}`,
        () => Number(remove.run({ id: facts.id, ...readIn(version) }).changes) === 1,
      ),
    removeUnreadable: (id) =>
      ask(`remove seed ${id}`, () => {
        const { zero } = look();
        const row = one.get(id);
        if (row === undefined || !isUnreadable(() => reading(row, zero))) return false;
        return Number(remove.run({ id, revision: row['revision'] ?? 0, zero }).changes) === 1;
      }),
    sweep: async () => 0,
    async [Symbol.asyncDispose]() {
      if (database.isOpen) database.close();
    },
  };
}

function columns(facts: SeedFacts): { id: string; pool: string | null; leaseEnds: number; facts: string } {
  return {
    id: facts.id,
    pool: facts.pool ?? null,
    leaseEnds: facts.lease?.expiresMs ?? 0,
    facts: JSON.stringify(facts),
  };
}

/** `zero` names the clock that was read before. */
function reading(row: Row, zero: number): SeedReading {
  return {
    facts: parseSeedFacts(parsedJson(row['facts'])),
    version: `${row['revision']} ${zero}` as SeedVersion,
    overwritten: false,
  };
}

/** What is no JSON is no seed either. */
function parsedJson(value: SQLOutputValue | undefined): unknown {
  try {
    return JSON.parse(String(value));
  } catch {
    return undefined;
  }
}

function readIn(version: SeedVersion): { readonly revision: number; readonly zero: number } {
  const [revision, zero] = version.split(' ').map(Number);
  return { revision: revision ?? 0, zero: zero ?? 0 };
}

function bytesOf(value: SQLOutputValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new SeedError('store-failed', 'The content of a stored seed is missing.');
}

async function tried<T>(attempt: string, work: () => T, signal?: AbortSignal): Promise<T> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    throwIfAborted(signal, attempt);
    try {
      return work();
    } catch (failure) {
      if (!isBusy(failure) || performance.now() > endMs) throw sqliteFailure(attempt, failure);
      await sleep(Math.random() * 20);
    }
  }
}
