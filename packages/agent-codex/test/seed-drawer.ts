import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import type { Host } from '@seedbed/host';
import {
  createDirectoryJournal,
  createSeeds,
  type SeedEvent,
  type SeedStore,
  type Seeds,
} from '@seedbed/seeds';
import { createMongodbSeedStore } from '@seedbed/seeds/mongodb';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';
import { MongoClient } from 'mongodb';
import { CODEX_SEED_MANIFEST, codexCredential } from '../src/index.ts';

/** Where logins are kept, as data that another program can be told. The key is one for tests. */
export interface SeedPlace {
  /** Of this program's journal, and of the database where that is a file. */
  readonly folder: string;
  readonly mongodb?: { readonly uri: string; readonly database: string };
}

export interface SeedDrawer extends AsyncDisposable {
  readonly seeds: Seeds;
  readonly events: readonly SeedEvent[];
  /** Resolves with the next event of a type, or one that has been. */
  saw<T extends SeedEvent['type']>(type: T): Promise<Extract<SeedEvent, { type: T }>>;
}

export interface DrawerOptions {
  /** Where logins are planted: found again after their holders have died. */
  readonly host?: Host;
  /** 20,000 by default: a busy machine keeps it. */
  readonly leaseMs?: number;
  readonly onEvent?: (event: SeedEvent) => void;
  /** Stands before the store, to fail on demand. */
  readonly wrap?: (store: SeedStore) => SeedStore;
}

const sealing = createKeyring({ current: 'k1', keys: { k1: Buffer.alloc(32, 'k') } });

/** A program's own view of the logins: it remembers nothing of what others did. */
export async function openSeedDrawer(place: SeedPlace, options: DrawerOptions = {}): Promise<SeedDrawer> {
  const { host, leaseMs = 20_000, onEvent, wrap = (store) => store } = options;
  await using stack = new AsyncDisposableStack();
  const store = stack.use(await openStore(place));
  const events: SeedEvent[] = [];
  let heard = Promise.withResolvers<void>();
  const seeds = stack.use(
    createSeeds({
      store: wrap(store),
      ...{ kind: codexCredential, manifest: CODEX_SEED_MANIFEST, sealing, leaseMs },
      journal: createDirectoryJournal({ directory: join(place.folder, 'journal'), sealing }),
      ...(host === undefined ? {} : { reach: (label) => (label.includes(host.label) ? host : undefined) }),
      onEvent(event) {
        events.push(event);
        onEvent?.(event);
        heard.resolve();
        heard = Promise.withResolvers();
      },
    }),
  );
  const owned = stack.move();
  const saw: SeedDrawer['saw'] = async (type) => {
    for (;;) {
      const next = heard.promise;
      const found = events.find((event) => isOf(event, type));
      if (found !== undefined && isOf(found, type)) return found;
      await next;
    }
  };
  return { seeds, events, saw, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function isOf<T extends SeedEvent['type']>(
  event: SeedEvent,
  type: T,
): event is Extract<SeedEvent, { type: T }> {
  return event.type === type;
}

async function openStore({ folder, mongodb }: SeedPlace): Promise<SeedStore> {
  if (mongodb === undefined) return await openSqliteSeedStore({ file: join(folder, 'seeds.sqlite') });
  const client = await new MongoClient(mongodb.uri).connect();
  const store = createMongodbSeedStore({ db: client.db(mongodb.database), collection: 'seeds' });
  return { ...store, [Symbol.asyncDispose]: () => client.close() };
}
