import { randomUUID } from 'node:crypto';
import { hostPath, readText } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import { type Db, MongoClient } from 'mongodb';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPoolPartner } from '../../test/pool-partner.ts';
import { createSeeds, type SeedId, type Seeds } from '../index.ts';
import { testCredential, testCredentialKind, testManifest } from '../testing/index.ts';
import { createMongodbSeedStore, type SharedSeeds } from './index.ts';

const LOGIN = '.agent/login.json';
const login = (token: string, at: number): string =>
  Buffer.from(testCredential({ account: 'ada', token, at })).toString();

describeOnMongodb('the blobs of a shared pool', (database) => {
  let collection: string;
  let stack: AsyncDisposableStack;
  beforeEach(() => {
    collection = `prefix_${randomUUID()}`;
    stack = new AsyncDisposableStack();
  });
  afterEach(() => stack.disposeAsync());

  function ours(shared: SharedSeeds = {}, db: Db = database().db): Seeds {
    const store = createMongodbSeedStore({ db, collection, shared });
    const common = { kind: testCredentialKind, manifest: testManifest, sealing: 'plaintext' } as const;
    return stack.use(createSeeds({ store, journal: 'none', ...common }));
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
    const seeds = ours({}, client.db(database().db.databaseName));
    expect(await plantedBy(seeds, id)).toBe('token-1');
    await partner.saveBack(captured, [LOGIN, login('token-2', 2)]);
    expect(await plantedBy(seeds, id)).toBe('token-2');
    await seeds.purge({ pool: 'nobody' });
    expect(asked).not.toEqual([]);
    expect(asked.filter((each) => each.includes('secondary'))).toEqual([]);
  });
});
