import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyring } from '@seedbed/blob-store';
import type { Host, HostFiles } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import {
  createDirectoryJournal,
  createSeeds,
  type SeedClock,
  type SeedEvent,
  type SeedJournal,
  type SeedStore,
  type Seeds,
} from '@seedbed/seeds';
import { createMongodbSeedStore, type SeedCodec } from '@seedbed/seeds/mongodb';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';
import { MongoClient, type MongoClientOptions } from 'mongodb';
import { codexCredential } from '../../src/login/codex-credential.ts';
import { CODEX_SEED_MANIFEST } from '../../src/login/seed-manifests.ts';
import { logChaos } from './chaos-log.ts';
import type { ChaosPlan, ChaosStore } from './chaos-plan.ts';
import { alone, createMarks, type Marks } from './do-not-disturb.ts';

const keyring = createKeyring({ current: 'chaos', keys: { chaos: Buffer.alloc(32, 'k') } });

/** A place where logins are planted, by the name under which every program finds it. */
export type Place = 'here' | 'ssh';

export interface Places extends AsyncDisposable {
  /** `undefined` when there is no such place in this run. */
  host(place: string): Promise<Host | undefined>;
}

export function createPlaces({ ssh }: ChaosPlan): Places {
  const here = createLocalHost();
  let connecting: Promise<Host> | undefined;
  const connect = async (): Promise<Host | undefined> => {
    if (ssh === undefined) return undefined;
    const { fingerprint, host, port, privateKeyFile, user } = ssh;
    const auth = { privateKey: readFileSync(privateKeyFile, 'utf8') };
    connecting ??= openSshHost({ host, port, user, auth, hostKey: { fingerprint } });
    return await connecting.catch((failure: unknown) => {
      connecting = undefined;
      throw failure;
    });
  };
  return {
    host: async (place) => (place === 'here' ? here : place === 'ssh' ? await connect() : undefined),
    async [Symbol.asyncDispose]() {
      await here[Symbol.asyncDispose]();
      await (await connecting?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

/** What another program of a shared pool would put around the content. */
const upsideDown: SeedCodec = {
  encode: (bytes) => bytes.toReversed(),
  decode: (bytes) => bytes.toReversed(),
};

/** After how long MongoDB counts as away, for those who are to see that it is. */
export const IMPATIENT: MongoClientOptions = {
  serverSelectionTimeoutMS: 1_500,
  connectTimeoutMS: 1_000,
  socketTimeoutMS: 2_000,
};

export async function openChaosStore(
  place: ChaosStore,
  patience: MongoClientOptions = {},
): Promise<SeedStore> {
  if (place.kind === 'sqlite') return await openSqliteSeedStore({ file: place.file });
  const client = new MongoClient(place.uri, patience);
  const store = createMongodbSeedStore({
    db: client.db(place.database),
    collection: 'seeds',
    ...(place.layout === 'shared' ? { shared: { codec: upsideDown } } : {}),
  });
  return { ...store, [Symbol.asyncDispose]: () => client.close() };
}

export interface ChaosSeedsOptions {
  readonly store: SeedStore;
  readonly places: Places;
  /** Which of the run's journals this program writes and catches up. */
  readonly journal: SeedJournal;
  readonly clock?: SeedClock;
}

/** The seeds of a run, for one of its programs. What happens beside goes into the log. */
export function openChaosSeeds(plan: ChaosPlan, { store, places, journal, clock }: ChaosSeedsOptions): Seeds {
  const marks = createMarks(join(plan.folder, 'marks'));
  return createSeeds({
    store,
    kind: codexCredential,
    manifest: CODEX_SEED_MANIFEST,
    sealing: keyring,
    journal,
    reach: async (place) => {
      const host = await places.host(place);
      return host === undefined ? undefined : considerate(host, marks);
    },
    leaseMs: plan.leaseMs,
    onEvent: (event) => logChaos(plan.folder, { type: 'event', event: event.type, detail: detailOf(event) }),
    ...(clock === undefined ? {} : { clock }),
  });
}

/**
 * Takes no file away while a refresh of it is under way. Nor is who takes one away killed meanwhile: what it has asked of a host far away would be done later, when the file is another's
 * to refresh.
 */
function considerate(host: Host, marks: Marks): HostFiles {
  return {
    ...host,
    async rename(from, to) {
      const done = marks.begin();
      await alone(from, () => host.rename(from, to)).finally(done);
    },
  };
}

/** As on two machines: what a program of one leaves in its journal, only another one there can catch up. */
export function journalOf({ folder }: ChaosPlan, slot: number): SeedJournal {
  return createDirectoryJournal({ directory: join(folder, `journal-${slot % 2}`), sealing: keyring });
}

function detailOf(event: SeedEvent): string {
  const cause = 'cause' in event && event.cause instanceof Error ? event.cause.message : '';
  const reason = 'reason' in event ? event.reason : 'outcome' in event ? event.outcome : cause;
  const generation = 'generation' in event ? event.generation.slice(0, 12) : '';
  return `${event.seedId} ${event.holder ?? ''} ${generation} ${reason}`;
}
