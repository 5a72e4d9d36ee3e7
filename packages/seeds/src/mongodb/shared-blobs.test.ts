import { randomUUID } from 'node:crypto';
import { hostPath, readText } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { type Db, MongoClient, type ObjectId } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryJournal } from '../../test/memory-journal.ts';
import { createPoolPartner } from '../../test/pool-partner.ts';
import { type CredentialKind, createSeeds, type SeedId, type SeedJournal, type Seeds } from '../index.ts';
import { testCredential, testCredentialKind, testManifest } from '../testing/index.ts';
import { createMongodbSeedStore, type SeedCodec, type SharedSeeds } from './index.ts';

const LOGIN = '.agent/login.json';
const login = (token: string, at: number): string =>
  Buffer.from(testCredential({ account: 'ada', token, at })).toString();

function generationOf(token: string): string {
  const reading = testCredentialKind.read(testCredential({ account: 'ada', token, at: 1 }));
  if (reading.state !== 'logged-in') throw new Error('no token');
  return reading.generation;
}

interface Ours {
  readonly db: Db;
  readonly journal: SeedJournal | 'none';
  readonly kind: CredentialKind;
}

describeOnMongodb('the blobs of a shared pool', (database) => {
  let collection: string;
  let stack: AsyncDisposableStack;
  beforeEach(() => {
    collection = `prefix_${randomUUID()}`;
    stack = new AsyncDisposableStack();
  });
  afterEach(() => stack.disposeAsync());

  function ours(
    shared: SharedSeeds = {},
    { db = database().db, journal = 'none', kind = testCredentialKind }: Partial<Ours> = {},
  ): Seeds {
    const store = createMongodbSeedStore({ db, collection, shared });
    return stack.use(createSeeds({ store, journal, kind, manifest: testManifest, sealing: 'plaintext' }));
  }
  const plantedBy = async (seeds: Seeds, seedId: SeedId): Promise<string> => {
    await using host = createMemoryHost();
    const home = hostPath('/home/user/task');
    await using lease = await seeds.acquire({ seedId }, 'look');
    await lease.plant({ host, home });
    return JSON.parse(await readText(host, hostPath(`${home}/${LOGIN}`))).token;
  };

  it('are asked of the member that decides, whatever the client prefers', async () => {
    const asked: string[] = [];
    // A server that stands alone is never told the preference: what the driver says of its choice is.
    const write = ({ message, operation, selector }: Record<string, unknown>): void => {
      if (message === 'Server selection started') asked.push(`${operation} ${JSON.stringify(selector)}`);
    };
    const client = stack.adopt(
      new MongoClient(database().uri, {
        readPreference: 'secondaryPreferred',
        mongodbLogPath: { write },
        mongodbLogComponentSeverities: { serverSelection: 'debug' },
      }),
      (each) => each.close(),
    );
    const partner = createPoolPartner({ db: database().db, collection });
    const captured = await partner.capture({ [LOGIN]: login('token-1', 1) }, 'gnu', { poolKey: 'team' });
    const id = captured.toHexString() as SeedId;
    const seeds = ours({}, { db: client.db(database().db.databaseName) });
    expect(await plantedBy(seeds, id)).toBe('token-1');
    // Whether the bucket has its indexes, which the driver looks for before its first upload, may be said by anybody.
    asked.length = 0;
    await partner.saveBack(captured, [LOGIN, login('token-2', 2)]);
    expect(await plantedBy(seeds, id)).toBe('token-2');
    await seeds.purge({ pool: 'nobody' });
    expect(asked).not.toEqual([]);
    expect(asked.filter((each) => each.includes('secondary'))).toEqual([]);
  });

  describe('that the codec does not open', () => {
    /** The first byte names the key: who has only older ones cannot open what is under a newer one. */
    const codecWith = (keys: readonly number[]): SeedCodec => ({
      encode: (plain) => Buffer.concat([Buffer.of(keys.at(-1) ?? 0), plain]),
      decode(stored) {
        if (!keys.includes(stored[0] ?? 0)) throw new Error(`there is no key ${stored[0]}`);
        return stored.subarray(1);
      },
    });
    const older = { codec: codecWith([1]) };
    const newer = codecWith([1, 2]);
    const partnerWith = (codec: SeedCodec) => createPoolPartner({ db: database().db, collection, codec });
    const theirs = async (id: ObjectId): Promise<string> =>
      JSON.parse((await partnerWith(newer).plant(id))[LOGIN] ?? '{}').token;
    const captured = async (): Promise<ObjectId> => {
      const files = { [LOGIN]: login('token-1', 1) };
      const id = await partnerWith(older.codec).capture(files, 'gnu', { poolKey: 'team' });
      expect(await plantedBy(ours(older), id.toHexString() as SeedId)).toBe('token-1');
      return id;
    };

    it('are left as they are, and the seed is refused until its key is there', async () => {
      const id = await captured();
      const seedId = id.toHexString() as SeedId;
      await partnerWith(newer).saveBack(id, [LOGIN, login('token-2', 2)]);
      const seeds = ours(older);
      for (const target of [{ seedId }, { pool: 'team' }])
        await expect(seeds.acquire(target, 'task')).rejects.toMatchObject({
          refusals: [{ reason: 'unreadable', detail: expect.stringContaining('there is no key 2') }],
        });
      await expect(seeds.get(seedId)).rejects.toMatchObject({ code: 'unsealing-failed' });
      const refresh = async () => ({ outcome: 'alive' }) as const;
      expect(await Array.fromAsync(seeds.refreshIdle({ refresh }))).toMatchObject([{ outcome: 'busy' }]);
      await seeds.label(seedId, 'still ours to name');
      expect(await theirs(id)).toBe('token-2');
      expect(await plantedBy(ours({ codec: newer }), seedId)).toBe('token-2');
    });

    it('keep nothing that we save from the journal, nor the lease from its end', async () => {
      const id = await captured();
      const seedId = id.toHexString() as SeedId;
      const journal = createMemoryJournal();
      const seeds = ours(older, { journal });
      {
        await using lease = await seeds.acquire({ seedId }, 'task');
        await partnerWith(newer).saveBack(id, [LOGIN, login('token-2', 2)]);
        const outcome = await lease.writeBack(testCredential({ account: 'ada', token: 'token-3', at: 3 }));
        expect(outcome).toMatchObject({ outcome: 'journaled' });
      }
      expect(await theirs(id)).toBe('token-2');
      expect(await partnerWith(newer).acquire('team', 'them')).toEqual(id);
      await partnerWith(newer).release(id, 'them');
      await seeds[Symbol.asyncDispose]();
      const later = ours({ codec: newer }, { journal });
      await later.catchUp();
      const { aside, lineage } = await later.get(seedId);
      const known = [...aside, ...lineage].map(({ generation }) => generation);
      expect(known).toEqual(expect.arrayContaining(['token-2', 'token-3'].map(generationOf)));
    });
  });

  it('of an account that they do not name are nobody else’s', async () => {
    // `succeeds` is the kind’s own affair: here any two logins may follow each other.
    const kind: CredentialKind = {
      ...testCredentialKind,
      read(bytes) {
        const reading = testCredentialKind.read(bytes);
        if (reading.state !== 'logged-in' || reading.account !== 'unnamed') return reading;
        const { account: _, ...rest } = reading;
        return rest;
      },
      succeeds: () => true,
    };
    const partner = createPoolPartner({ db: database().db, collection });
    const captured = await partner.capture({ [LOGIN]: login('token-1', 1) }, 'gnu', { poolKey: 'team' });
    const seeds = ours({}, { kind });
    const id = captured.toHexString() as SeedId;
    expect(await plantedBy(seeds, id)).toBe('token-1');
    const unnamed = Buffer.from(testCredential({ account: 'unnamed', token: 'token-2', at: 2 })).toString();
    await partner.saveBack(captured, [LOGIN, unnamed]);
    expect(await plantedBy(seeds, id)).toBe('token-2');
  });
});
