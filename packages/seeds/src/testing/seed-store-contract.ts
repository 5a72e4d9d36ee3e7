import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { SeedFacts, SeedId } from '../seed-facts.ts';
import type { SeedStore, StoredSeed } from '../seed-store.ts';

export interface SeedStoreContractOptions {
  /** Two ways to one empty store, as two programs have them. The case disposes of both. */
  readonly create: () => Promise<readonly [SeedStore, SeedStore]> | readonly [SeedStore, SeedStore];
}

export interface SeedStoreContractCase {
  readonly name: string;
  /** Rejects with what is wrong. Takes seconds at the most. */
  run(): Promise<void>;
}

interface CaseDefinition {
  readonly name: string;
  readonly check: (store: SeedStore, other: SeedStore) => Promise<void>;
}

/**
 * What every `SeedStore` promises, as cases for any test runner.
 *
 * ```ts
 * for (const { name, run } of seedStoreContract({ create })) it(name, run);
 * ```
 */
export function seedStoreContract({ create }: SeedStoreContractOptions): readonly SeedStoreContractCase[] {
  return CASES.map(({ name, check }) => ({
    name,
    async run() {
      const [store, other] = await create();
      await using _store = store;
      await using _other = other;
      await check(store, other);
    },
  }));
}

const CASES: readonly CaseDefinition[] = [
  {
    name: 'gives back what was put in, to every program',
    async check(store, other) {
      const facts = fullFacts(store);
      const content = randomBytes(5_000);
      await store.insert(facts, content);
      const stored = await there(other, facts.id);
      assert.deepEqual(stored.facts, facts);
      assert.deepEqual(Buffer.from(stored.content), content);
      assert.equal(stored.overwritten, false);
      assert.equal(stored.foreign, undefined);
    },
  },
  {
    name: 'gives up a question whose signal has fired',
    async check(store) {
      const facts = fewFacts(store);
      await store.insert(facts, randomBytes(10));
      const signal = AbortSignal.abort();
      const aborted = { name: 'SeedError', code: 'aborted' };
      await assert.rejects(store.get(facts.id, { signal }), aborted);
      await assert.rejects(store.list({ signal }), aborted);
      await assert.rejects(store.now({ signal }), aborted);
      const still = new AbortController();
      assert.notEqual(await store.get(facts.id, { signal: still.signal }), undefined);
    },
  },
  {
    name: 'keeps content of a megabyte, and content of one byte',
    async check(store) {
      for (const size of [1_000_000, 1]) {
        const facts = fewFacts(store);
        const content = randomBytes(size);
        await store.insert(facts, content);
        assert.deepEqual(Buffer.from((await there(store, facts.id)).content), content);
      }
    },
  },
  {
    name: 'has no seed that was not put in',
    async check(store) {
      assert.equal(await store.get(store.createId('nobody')), undefined);
      assert.equal(await store.get('no such id' as SeedId), undefined);
      assert.deepEqual((await store.list()).seeds, []);
    },
  },
  {
    name: 'changes a seed only from the state in which it was read',
    async check(store, other) {
      const facts = fewFacts(store);
      await store.insert(facts, randomBytes(10));
      const early = await there(other, facts.id);
      const read = await there(store, facts.id);
      const changed = { ...facts, label: 'first', fence: 1 };
      assert.equal(await store.update(read, { facts: changed }), true);
      assert.equal(await other.update(early, { facts: { ...facts, label: 'second' } }), false);
      assert.equal(await store.update(read, { facts: { ...facts, label: 'third' } }), false);
      assert.deepEqual((await there(other, facts.id)).facts, changed);
    },
  },
  {
    name: 'changes content together with facts, or leaves it as it is',
    async check(store) {
      const facts = fewFacts(store);
      const content = randomBytes(100);
      await store.insert(facts, content);
      await store.update(await there(store, facts.id), { facts: { ...facts, label: 'same content' } });
      assert.deepEqual(Buffer.from((await there(store, facts.id)).content), content);
      const next = randomBytes(200);
      const read = await there(store, facts.id);
      assert.equal(await store.update(read, { facts, content: next }), true);
      assert.equal(await store.update(read, { facts, content }), false);
      const stored = await there(store, facts.id);
      assert.deepEqual(Buffer.from(stored.content), next);
      assert.deepEqual(stored.facts, facts);
      assert.equal(stored.overwritten, false);
    },
  },
  {
    name: 'forgets facts that are no more',
    async check(store) {
      const facts = fullFacts(store);
      await store.insert(facts, randomBytes(10));
      const few = fewFacts(store, facts.id);
      await store.update(await there(store, facts.id), { facts: few });
      const left = (await there(store, facts.id)).facts;
      assert.equal(left.lease, undefined);
      assert.equal(left.pool, undefined);
      assert.equal(left.outstanding, undefined);
      assert.equal(left.label, undefined);
      assert.equal(left.status, 'alive');
    },
  },
  {
    name: 'lets one of many win, whichever program they are in',
    async check(store, other) {
      const facts = fewFacts(store);
      await store.insert(facts, randomBytes(10));
      for (let round = 1; round <= 20; round += 1) {
        const writers = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? store : other));
        const readings = await Promise.all(writers.map((writer) => there(writer, facts.id)));
        const results = await Promise.all(
          writers.map((writer, index) => {
            const holder = `${round}-${index}`;
            const lease = { holder, fence: round, expiresMs: 1_800_000_000_000 + index };
            const content = index % 3 === 0 ? { content: Buffer.from(holder) } : {};
            return writer.update(readings[index] as StoredSeed, {
              facts: { ...facts, lease, fence: round },
              ...content,
            });
          }),
        );
        const winners = results.flatMap((won, index) => (won ? [`${round}-${index}`] : []));
        assert.equal(winners.length, 1, `round ${round}: ${winners.join(', ')}`);
        const stored = await there(store, facts.id);
        assert.equal(stored.facts.lease?.holder, winners[0]);
        assert.equal(stored.overwritten, false);
      }
    },
  },
  {
    name: 'has one seed of a login, whoever of many adds it at the same moment',
    async check(store, other) {
      const fingerprint = randomUUID();
      assert.equal(store.createId(fingerprint), other.createId(fingerprint));
      const adding = [store, other, store, other].map((each, index) =>
        each.insert({ ...fewFacts(each, each.createId(fingerprint)), label: `${index}` }, randomBytes(10)),
      );
      const results = await Promise.allSettled(adding);
      const refusals = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
      assert.deepEqual(refusals, ['store-failed', 'store-failed', 'store-failed']);
      const { facts } = await there(store, store.createId(fingerprint));
      assert.equal(results[Number(facts.label)]?.status, 'fulfilled');
    },
  },
  {
    name: 'removes a seed only as it was read',
    async check(store, other) {
      const facts = fewFacts(store);
      await store.insert(facts, randomBytes(10));
      const early = await there(store, facts.id);
      await other.update(await there(other, facts.id), { facts: { ...facts, label: 'changed' } });
      assert.equal(await store.remove(early), false);
      assert.equal(await store.removeUnreadable(facts.id), false);
      assert.equal(await store.remove(await there(store, facts.id)), true);
      assert.equal(await other.get(facts.id), undefined);
      assert.equal(await store.remove(early), false);
      assert.equal(await store.update(early, { facts, content: randomBytes(10) }), false);
    },
  },
  {
    name: 'lists all seeds, or those of a pool',
    async check(store, other) {
      const pooled = { ...fewFacts(store), pool: 'team' };
      const single = fewFacts(store);
      await store.insert(pooled, randomBytes(10));
      await store.insert(single, randomBytes(10));
      const all = await other.list();
      assert.deepEqual(all.seeds.map(({ facts }) => facts.id).toSorted(), [pooled.id, single.id].toSorted());
      const [only, ...rest] = (await other.list({ pool: 'team' })).seeds;
      assert.deepEqual(rest, []);
      assert.deepEqual(only?.facts, pooled);
      assert.ok(only !== undefined && (await store.update(only, { facts: { ...pooled, pool: 'other' } })));
      assert.deepEqual((await other.list({ pool: 'team' })).seeds, []);
      assert.equal((await other.list({ pool: 'other' })).seeds.length, 1);
    },
  },
  {
    name: 'has one clock for all, which does not go back, and dates a reading no later than it was',
    async check(store, other) {
      const facts = fewFacts(store);
      await store.insert(facts, randomBytes(10));
      let latest = 0;
      for (let round = 0; round < 20; round += 1) {
        const clock = round % 2 === 0 ? store : other;
        const { nowMs } = await there(clock, facts.id);
        const listed = (await other.list()).nowMs;
        const now = await clock.now();
        assert.ok(Number.isFinite(nowMs) && nowMs >= latest, `${nowMs} is after ${latest}`);
        assert.ok(listed >= nowMs && now >= listed, `${nowMs}, ${listed}, ${now} are in order`);
        latest = now;
      }
    },
  },
];

async function there(store: SeedStore, id: SeedId): Promise<StoredSeed> {
  const stored = await store.get(id);
  assert.ok(stored !== undefined, `${store.label} has seed ${id}`);
  return stored;
}

function fewFacts(store: SeedStore, id: SeedId = store.createId(randomUUID())): SeedFacts {
  return {
    id,
    createdMs: 1_700_000_000_000,
    updatedMs: 1_700_000_000_000,
    status: 'alive',
    fence: 0,
    lineage: [],
    aside: [],
  };
}

function fullFacts(store: SeedStore): SeedFacts {
  const generation = 'generation-0123456789';
  return {
    ...fewFacts(store),
    pool: 'team',
    label: 'Ada’s login',
    status: 'suspect',
    statusReason: 'for a test',
    lease: { holder: 'task#1', fence: 7, expiresMs: 1_700_000_060_000 },
    lastLeasedMs: 1_700_000_000_001,
    fence: 7,
    credential: { generation, rotates: true, refreshedMs: 1.5e12, expiresMs: 1.8e12 },
    outstanding: {
      phase: 'planted',
      holder: 'task#1',
      fence: 7,
      basis: generation,
      place: 'deploy@build-7:22',
      path: '/home/deploy/task/.agent/login.json',
    },
    lineage: [
      { generation: 'generation-before-that', atMs: 1, how: 'captured' },
      { generation, parent: 'generation-before-that', atMs: 2, holder: 'task#0', how: 'rotated' },
    ],
    aside: [
      { generation: 'generation-of-another', atMs: 3, holder: 'task#2', reason: 'conflict', sealed: 'AAEC' },
    ],
    details: 'c2VhbGVk',
    load: { usedPercent: 12.5, resetsMs: 1_700_000_100_000 },
  };
}
