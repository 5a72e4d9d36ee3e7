import { randomUUID } from 'node:crypto';
import { createKeyring } from '@seedbed/blob-store';
import { hostPath, readText } from '@seedbed/host';
import { createMemoryHost } from '@seedbed/host/testing';
import { describeOnMongodb } from '@seedbed/mongodb-server';
import fc from 'fast-check';
import { ObjectId } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginIn } from '../../test/ground.ts';
import { type ArchiveForm, createPoolPartner, type PoolPartner } from '../../test/pool-partner.ts';
import {
  createSeeds,
  type SeedEvent,
  type SeedId,
  type SeedStore,
  type Seeds,
  type SeedsOptions,
} from '../index.ts';
import { testCredential, testCredentialKind, testManifest } from '../testing/index.ts';
import { createMongodbSeedStore, type SharedSeeds } from './index.ts';

const LOGIN = '.agent/login.json';
const SETTINGS = '.agent/settings.toml';
const HOME = hostPath('/home/user/task');

const login = (token: string, at: number): string =>
  Buffer.from(testCredential({ account: 'ada', token, at })).toString();
function generationOf(token: string): string {
  const reading = testCredentialKind.read(testCredential({ account: 'ada', token, at: 1 }));
  if (reading.state !== 'logged-in') throw new Error('no token');
  return reading.generation;
}
const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte) => byte ^ 0x5a);
const codec = { encode: flip, decode: flip };

describeOnMongodb('a pool that is shared with another program', (database) => {
  let partner: PoolPartner;
  let collection: string;
  let seeds: Seeds;
  let host: ReturnType<typeof createMemoryHost>;
  let events: SeedEvent[];
  let opened: AsyncDisposable[];

  function ours(shared: SharedSeeds = {}, options: Partial<SeedsOptions> = {}): Seeds {
    const store = createMongodbSeedStore({ db: database().db, collection, shared });
    const made = createSeeds({
      store,
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: 'none',
      reach: () => host,
      onEvent: (event) => events.push(event),
      ...options,
    });
    opened.push(made);
    return made;
  }
  const captured = async (
    form?: ArchiveForm,
    document: Record<string, unknown> = { poolKey: 'team' },
  ): Promise<ObjectId> =>
    await partner.capture({ [LOGIN]: login('token-1', 1), [SETTINGS]: 'colour = "blue"\n' }, form, document);
  const idOf = (id: ObjectId): SeedId => id.toHexString() as SeedId;
  const documentOf = async (id: ObjectId) => {
    const document = await partner.seeds.findOne({ _id: id });
    if (document === null) throw new Error('the seed is gone');
    return document;
  };
  /** What we would plant. */
  const planted = async (id: ObjectId): Promise<string> => {
    await using lease = await seeds.acquire({ seedId: idOf(id) }, 'look');
    await lease.plant({ host, home: HOME });
    return JSON.parse(await readText(host, loginIn(HOME))).token;
  };

  beforeEach(() => {
    collection = `prefix_${randomUUID()}`;
    partner = createPoolPartner({ db: database().db, collection });
    host = createMemoryHost();
    events = [];
    opened = [];
    seeds = ours();
  });
  afterEach(async () => {
    for (const one of opened) await one[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  describe('what it captured', () => {
    it.each<ArchiveForm>(['gnu', 'pax', 'replaced-last', 'dotted'])(
      'is planted, whichever tar made it: %s',
      async (form) => {
        const id = await captured(form);
        expect(await planted(id)).toBe('token-1');
        const overview = await seeds.get(idOf(id));
        expect(overview).toMatchObject({ status: 'alive', pool: 'team', rotates: true });
        expect(overview.lineage).toMatchObject([{ how: 'foreign' }]);
      },
    );

    it('is planted where it is sealed by a pair of theirs that we are given', async () => {
      partner = createPoolPartner({ db: database().db, collection, codec });
      const id = await captured();
      await expect(planted(id)).rejects.toMatchObject({ refusals: [{ reason: 'unreadable' }] });
      const keys = { current: 'k', keys: { k: new Uint8Array(32).fill(7) } };
      seeds = ours({ codec }, { sealing: createKeyring(keys) });
      {
        await using lease = await seeds.acquire({ seedId: idOf(id) }, 'task');
        await lease.writeBack(testCredential({ account: 'ada', token: 'token-2', at: 2 }));
      }
      expect((await partner.plant(id))[LOGIN]).toBe(login('token-2', 2));
      expect(JSON.stringify(await documentOf(id))).not.toContain('token-2');
    });

    it.each([
      ['null', null],
      ['a date that is over', { holder: 'them', expiresAt: new Date(Date.now() - 3_600_000) }],
      ['a string', { holder: 'them', expiresAt: new Date(Date.now() + 3_600_000).toISOString() }],
      ['a number', { holder: 'them', expiresAt: Date.now() + 3_600_000 }],
    ])('is free when its lease is %s', async (_, lease) => {
      const id = await captured('gnu', { poolKey: 'team', lease });
      await using taken = await seeds.acquire({ pool: 'team' }, 'task');
      expect(taken.seedId).toBe(idOf(id));
      expect((await documentOf(id))['lease']).toMatchObject({
        holder: taken.holder,
        expiresAt: expect.any(Date),
      });
    });

    it('is not free when its lease is a date to come, or when it is dead', async () => {
      const lease = { holder: 'them', expiresAt: new Date(Date.now() + 3_600_000) };
      await captured('gnu', { poolKey: 'team', lease });
      await captured('gnu', { poolKey: 'team', status: 'dead' });
      await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({
        refusals: expect.arrayContaining([
          expect.objectContaining({ reason: 'leased', untilMs: lease.expiresAt.getTime() }),
          expect.objectContaining({ reason: 'retired' }),
        ]),
      });
    });

    it('keeps whatever else is in its document', async () => {
      const metadata = { verify: { alive: true, checkedAt: new Date(5) }, accounts: [{ name: 'Ada' }] };
      const id = await captured('gnu', {
        poolKey: 'team',
        status: 'alive',
        metadata,
        theirs: [1, { two: 2 }],
      });
      await planted(id);
      await seeds.label(idOf(id), 'a label');
      await seeds.assignToPool(idOf(id), 'other');
      expect(await documentOf(id)).toMatchObject({
        metadata,
        theirs: [1, { two: 2 }],
        manifestVersion: 1,
        poolKey: 'other',
        status: 'alive',
        lease: null,
        lastLeasedAt: expect.any(Date),
      });
    });
  });

  describe('what we captured', () => {
    const capture = async (): Promise<ObjectId> => {
      await host.makeDirectory(hostPath(`${HOME}/.agent`));
      await host.writeFile(loginIn(HOME), login('token-1', 1));
      await host.writeFile(hostPath(`${HOME}/${SETTINGS}`), 'x = 1\n');
      return new ObjectId(await seeds.capture({ host, home: HOME, pool: 'team' }));
    };

    it('is planted by it: members of exactly the names that it looks for, in its bucket', async () => {
      const id = await capture();
      expect(await partner.plant(id)).toEqual({ [LOGIN]: login('token-1', 1), [SETTINGS]: 'x = 1\n' });
      const { blobId, ...document } = await documentOf(id);
      expect(document).toMatchObject({
        manifestVersion: 1,
        poolKey: 'team',
        status: 'alive',
        lease: null,
        createdAt: expect.any(Date),
      });
      const file = await database().db.collection('fs.files').findOne({ _id: blobId });
      expect(file).toMatchObject({ filename: 'seed', chunkSize: 261_120 });
    });

    it('is leased by it, and by us when it has released it', async () => {
      const id = await capture();
      expect(await partner.acquire('team', 'them')).toEqual(id);
      await expect(seeds.acquire({ pool: 'team' }, 'task')).rejects.toMatchObject({ code: 'unavailable' });
      expect(await partner.release(id, 'them')).toBe(true);
      await using lease = await seeds.acquire({ pool: 'team' }, 'task');
      expect(await partner.acquire('team', 'them')).toBeUndefined();
      expect(await partner.release(id, 'them')).toBe(false);
      expect(lease.signal.aborted).toBe(false);
    });

    it('is dead for it when the provider has said so, and alive when it works again', async () => {
      const id = await capture();
      await seeds.verifyAndRefresh(idOf(id), async () => ({ outcome: 'invalid', reason: 'invalid_grant' }));
      expect((await documentOf(id))['status']).toBe('dead');
      expect(await partner.acquire('team', 'them')).toBeUndefined();
      await seeds.verifyAndRefresh(idOf(id), async () => ({ outcome: 'alive' }));
      expect(await partner.acquire('team', 'them')).toEqual(id);
    });

    it('goes with its blob, and a purge takes what an interrupted upload left', async () => {
      await capture();
      const { db } = database();
      const old = ObjectId.createFromTime(1_000_000);
      await db.collection('fs.chunks').insertOne({ files_id: old, n: 0, data: Buffer.from('half') });
      const before = await db.collection('fs.files').countDocuments();
      await seeds.purge('all');
      expect(await seeds.list()).toEqual([]);
      expect(await db.collection('fs.files').countDocuments()).toBe(before - 1);
      expect(await db.collection('fs.chunks').countDocuments({ files_id: old })).toBe(0);
    });
  });

  describe('a token', () => {
    it('that it rotated is taken over, with what it came out of', async () => {
      const id = await captured();
      await planted(id);
      await partner.saveBack(id, [LOGIN, login('token-2', 2)]);
      expect(await planted(id)).toBe('token-2');
      const { lineage } = await seeds.get(idOf(id));
      expect(lineage.map(({ how }) => how)).toEqual(['foreign', 'foreign']);
      expect(lineage[1]?.parent).toBe(lineage[0]?.generation);
    });

    it('that it rotated under its own lease is taken over, whatever the clocks say', async () => {
      const id = await captured();
      expect(await planted(id)).toBe('token-1');
      expect(await partner.acquire('team', 'them')).toEqual(id);
      await partner.saveBack(id, [LOGIN, login('token-2', 0)]);
      await partner.release(id, 'them');
      expect(await planted(id)).toBe('token-2');
    });

    it('of ours that it overwrites with an older one comes back', async () => {
      const id = await captured();
      await using lease = await seeds.acquire({ seedId: idOf(id) }, 'task');
      await partner.saveBack(id, [LOGIN, login('token-1', 50)], async () => {
        await lease.writeBack(testCredential({ account: 'ada', token: 'token-2', at: 2 }));
      });
      await lease[Symbol.asyncDispose]();
      expect(await planted(id)).toBe('token-2');
      expect((await partner.plant(id))[LOGIN]).toBe(login('token-2', 2));
      expect(events).toContainEqual(expect.objectContaining({ type: 'overwritten', current: 'ours' }));
    });

    it('of ours that it overwrites with one that nobody can place is kept, whichever wins', async () => {
      const id = await captured();
      await using lease = await seeds.acquire({ seedId: idOf(id) }, 'task');
      await lease.writeBack(testCredential({ account: 'ada', token: 'token-5', at: 5 }));
      await partner.saveBack(id, [LOGIN, login('token-4', 4)]);
      await lease[Symbol.asyncDispose]();
      expect(await planted(id)).toBe('token-5');
      const [aside] = (await seeds.get(idOf(id))).aside;
      expect(aside?.reason).toBe('overwritten');
      await seeds.restore(idOf(id), aside?.generation ?? '');
      expect((await partner.plant(id))[LOGIN]).toBe(login('token-4', 4));
    });

    it.each([
      ['a log-out', JSON.stringify({ account: 'ada' })],
      ['somebody else’s', JSON.stringify({ account: 'eve', token: 'x', at: 99 })],
      ['no JSON', 'half a fi'],
    ])('is not replaced by what it saves that is %s', async (_, text) => {
      const id = await captured();
      await planted(id);
      await partner.saveBack(id, [LOGIN, text]);
      expect(await planted(id)).toBe('token-1');
      expect((await partner.plant(id))[LOGIN]).toBe(login('token-1', 1));
    });

    it('is never lost, however its saves and ours fall together', { timeout: 120_000 }, async () => {
      const save = fc.record({
        who: fc.constantFrom('ours', 'theirs'),
        after: fc.integer({ min: 0, max: 3 }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(save, { minLength: 2, maxLength: 6 }), async (saves) => {
          const id = await captured();
          await planted(id);
          const tokens: string[] = [];
          await using lease = await seeds.acquire({ seedId: idOf(id) }, 'task');
          let at = 10;
          const write = async (who: string): Promise<void> => {
            at += 1;
            const token = `${who}-${at}`;
            tokens.push(token);
            if (who === 'theirs')
              await partner
                .saveBack(id, [LOGIN, login(token, at)])
                .catch(() => tokens.splice(tokens.indexOf(token), 1));
            else await lease.writeBack(testCredential({ account: 'ada', token, at }));
          };
          await Promise.all(
            saves.map(async ({ who, after }) => {
              for (let turn = 0; turn < after; turn += 1) await new Promise(setImmediate);
              await write(who);
            }),
          );
          await lease[Symbol.asyncDispose]();
          const current = await planted(id);
          const { aside, lineage } = await seeds.get(idOf(id));
          const known = new Set([...aside, ...lineage].map(({ generation }) => generation));
          const generations = tokens.filter((token) => token.startsWith('ours')).map(generationOf);
          for (const [index, generation] of generations.entries()) {
            // Of a chain that one holder goes on with in conflict the last three are kept: the rest was spent for them.
            const later = new Set(generations.slice(index + 1));
            const conflicts = aside.filter((one) => one.reason === 'conflict' && later.has(one.generation));
            expect(known.has(generation) || conflicts.length === 3, `${generation} is known`).toBe(true);
          }
          expect([...tokens, 'token-1']).toContain(current);
        }),
        { numRuns: 30 },
      );
    });
  });

  it('is taken although it was lost to the other program, which has released it since', async () => {
    const id = await captured();
    await planted(id);
    const store = createMongodbSeedStore({ db: database().db, collection, shared: {} });
    const between = [
      async () => void (await partner.acquire('team', 'them')),
      async () => void (await partner.release(id, 'them')),
    ];
    const late: SeedStore = {
      ...store,
      async update(...change) {
        await between.shift()?.();
        return await store.update(...change);
      },
      async list(options) {
        if (between.length === 1) await between.shift()?.();
        return await store.list(options);
      },
    };
    await using lease = await ours({}, { store: late }).acquire({ pool: 'team' }, 'task');
    expect(lease.seedId).toBe(idOf(id));
    expect(between).toEqual([]);
  });

  it('is leased to one at a time, whoever asks', async () => {
    const ids = [await captured(), await captured('gnu', { poolKey: 'team' })];
    const programs = [ours(), ours(), ours()];
    for (let round = 0; round < 15; round += 1) {
      const taken: string[] = [];
      const letGo: (() => Promise<unknown>)[] = [];
      await Promise.all([
        ...programs.flatMap((program) =>
          [0, 1].map(async () => {
            const lease = await program.acquire({ pool: 'team' }, 'task').catch(() => undefined);
            if (lease === undefined) return;
            taken.push(lease.seedId);
            letGo.push(async () => await lease[Symbol.asyncDispose]());
          }),
        ),
        ...[1, 2, 3, 4].map(async (number) => {
          const holder = `them-${round}-${number}`;
          const id = await partner.acquire('team', holder);
          if (id === undefined) return;
          taken.push(idOf(id));
          letGo.push(() => partner.release(id, holder));
        }),
      ]);
      expect(taken.toSorted()).toEqual(ids.map(idOf).toSorted());
      for (const release of letGo) await release();
    }
  });

  it('is not for sealed seeds, which it would take for dead: that is refused at once', () => {
    const sealing = createKeyring({ current: 'k', keys: { k: new Uint8Array(32) } });
    expect(() => ours({}, { sealing })).toThrow(/codec/);
  });
});
