import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection } from 'mongodb';

const LEASE_MS = 60_000;
const LOOK_AGAIN_MS = 5;

/** Leases as one writes them in an afternoon: one conditional update to take, one to free; no renewal, no fencing, nothing that a dead holder left. */
export interface BareLeases extends AsyncDisposable {
  readonly name: string;
  /** Takes any that is free, waiting for one, and frees it. */
  once(holder: string): Promise<void>;
}

export async function bareSqliteLeases(file: string, logins: number): Promise<BareLeases> {
  const database = new DatabaseSync(file);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE leases (id INTEGER, holder TEXT, ends REAL)',
  );
  for (let id = 0; id < logins; id += 1) database.prepare('INSERT INTO leases VALUES (?, NULL, 0)').run(id);
  const take = database.prepare(
    'UPDATE leases SET holder = :holder, ends = :ends WHERE id = (SELECT id FROM leases WHERE ends < :now LIMIT 1) RETURNING id',
  );
  const free = database.prepare('UPDATE leases SET holder = NULL, ends = 0 WHERE id = ? AND holder = ?');
  return {
    name: 'two bare updates in node:sqlite',
    async once(holder) {
      for (;;) {
        const now = Date.now();
        const row = take.get({ holder, now, ends: now + LEASE_MS });
        if (row !== undefined) {
          await sleep(0);
          free.run(Number(row['id']), holder);
          return;
        }
        await sleep(LOOK_AGAIN_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
}

export async function bareMongodbLeases(
  leases: Collection,
  { logins, server }: { readonly logins: number; readonly server: string },
): Promise<BareLeases> {
  await leases.insertMany(Array.from({ length: logins }, (_, id) => ({ id, holder: null, ends: 0 })));
  return {
    name: `two bare updates in ${server}`,
    async once(holder) {
      for (;;) {
        const now = Date.now();
        const taken = await leases.findOneAndUpdate(
          { ends: { $lt: now } },
          { $set: { holder, ends: now + LEASE_MS } },
        );
        if (taken !== null) {
          await leases.updateOne({ _id: taken._id, holder }, { $set: { holder: null, ends: 0 } });
          return;
        }
        await sleep(LOOK_AGAIN_MS);
      }
    },
    async [Symbol.asyncDispose]() {},
  };
}
