import { fingerprintId } from '../fingerprint-id.ts';
import { SeedError, unlessAborted } from '../seed-error.ts';
import type { SeedFacts, SeedId } from '../seed-facts.ts';
import type { QuestionOptions, SeedReading, SeedStore, SeedVersion, StoredSeed } from '../seed-store.ts';

/** What a memory store is asked to do. */
export type StoreOperation = 'now' | 'get' | 'list' | 'insert' | 'update' | 'remove' | 'sweep';

export interface MemorySeedStoreOptions {
  /** The store's clock, in milliseconds since the epoch. */
  readonly now?: () => number;
  /** Called before an operation and after it, when its answer has not been given yet; what it throws is what the caller gets. */
  readonly intercept?: (operation: StoreOperation, moment: 'before' | 'after') => Promise<void> | void;
  readonly label?: string;
}

export interface MemorySeedStore extends SeedStore {
  /** Another way to the same seeds, as another program has it. */
  another(options?: MemorySeedStoreOptions): MemorySeedStore;
  /** Until {@link comeBack} everything fails with `store-unavailable`. */
  goAway(): void;
  comeBack(): void;
  /** What another program would do in a shared layout: puts content in the place of ours, without a condition. */
  overwrite(id: SeedId, content: Uint8Array): void;
}

interface Row {
  readonly facts: SeedFacts;
  readonly content: Uint8Array;
  readonly foreign: Uint8Array | undefined;
  readonly revision: number;
}

/** Seeds that are nothing but memory, for tests: every failure can be had on demand. */
export function createMemorySeedStore(options: MemorySeedStoreOptions = {}): MemorySeedStore {
  return storeOver(new Map(), options);
}

function storeOver(rows: Map<SeedId, Row>, options: MemorySeedStoreOptions): MemorySeedStore {
  const { now = Date.now, intercept = () => undefined, label = 'memory' } = options;
  let isAway = false;
  const ask = async <T>(operation: StoreOperation, work: () => T): Promise<T> => {
    if (isAway) throw new SeedError('store-unavailable', `Could not ${operation} in ${label}: it is away.`);
    await intercept(operation, 'before');
    const result = work();
    await intercept(operation, 'after');
    return result;
  };
  const question = <T>(
    operation: StoreOperation,
    work: () => T,
    { signal }: QuestionOptions = {},
  ): Promise<T> => unlessAborted(() => ask(operation, work), { signal, attempt: `${operation} in ${label}` });
  const changed = (read: SeedReading): boolean => String(rows.get(read.facts.id)?.revision) !== read.version;
  return {
    label,
    contentReadBy: 'nobody',
    createId: fingerprintId,
    now: (options) => question('now', now, options),
    get: (id, options) =>
      question(
        'get',
        () => {
          const row = rows.get(id);
          return row === undefined ? undefined : storedSeed(row, now());
        },
        options,
      ),
    list: ({ pool, ...options } = {}) =>
      question(
        'list',
        () => {
          const wanted = [...rows.values()].filter(({ facts }) => pool === undefined || facts.pool === pool);
          return { seeds: wanted.map(readingOf), unreadable: [], nowMs: now() };
        },
        options,
      ),
    insert: (facts, content) =>
      ask('insert', () => {
        if (rows.has(facts.id)) throw new SeedError('store-failed', `There is a seed ${facts.id} already.`);
        rows.set(facts.id, { facts: structuredClone(facts), content, foreign: undefined, revision: 1 });
      }),
    update: (read, { facts, content }) =>
      ask('update', () => {
        const row = rows.get(facts.id);
        if (row === undefined || changed(read)) return false;
        const settled = content === undefined ? {} : { content, foreign: undefined };
        rows.set(facts.id, { ...row, facts: structuredClone(facts), ...settled, revision: row.revision + 1 });
        return true;
      }),
    remove: (read) => ask('remove', () => !changed(read) && rows.delete(read.facts.id)),
    // Nothing in it was ever written by anybody else.
    removeUnreadable: () => ask('remove', () => false),
    sweep: () => ask('sweep', () => 0),
    another: (others = {}) => storeOver(rows, { now, label, ...others }),
    goAway: () => {
      isAway = true;
    },
    comeBack: () => {
      isAway = false;
    },
    overwrite(id, foreign) {
      const row = rows.get(id);
      if (row !== undefined) rows.set(id, { ...row, foreign, revision: row.revision + 1 });
    },
    async [Symbol.asyncDispose]() {},
  };
}

function readingOf({ facts, foreign, revision }: Row): SeedReading {
  return {
    facts: structuredClone(facts),
    version: String(revision) as SeedVersion,
    overwritten: foreign !== undefined,
  };
}

function storedSeed(row: Row, nowMs: number): StoredSeed {
  const { content, foreign } = row;
  return { ...readingOf(row), content, nowMs, ...(foreign === undefined ? {} : { foreign }) };
}
