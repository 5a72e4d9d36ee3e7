import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as wait } from 'node:timers/promises';

/** What was fetched or compiled once is kept here. */
export interface CacheFolders {
  /** Where to look first; perhaps not ours to write to. */
  readonly shared: string;
  /** Where to put what is missing. */
  readonly own: string;
}

/**
 * The folder in the checkout, and where that can't be written to (see tooling/ordinary-user) the one that `SEEDBED_WRITABLE` names.
 */
export function cacheFolders(env: NodeJS.ProcessEnv): CacheFolders {
  const shared = resolve(import.meta.dirname, '../../../.cache/mongodb-server');
  const writable = env['SEEDBED_WRITABLE'];
  return { shared, own: writable === undefined ? shared : join(writable, 'mongodb-server') };
}

/** Between two looks at a lock that somebody else holds. */
const LOOK_AGAIN_MS = 200;

/**
 * Waits until nobody else works in this folder. The lock is SQLite's: the operating system takes it from a program that is killed.
 */
export async function lockFolder(folder: string): Promise<Disposable> {
  await mkdir(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'lock.sqlite'));
  for (;;) {
    try {
      database.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      if (!(error instanceof Error && /locked/.test(error.message))) {
        database.close();
        throw error;
      }
    }
    await wait(LOOK_AGAIN_MS);
  }
}
