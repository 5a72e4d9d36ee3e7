import { Binary, BSON, type Document, Int32, ObjectId } from 'mongodb';
import { parseSeedFacts } from '../parse-seed-facts.ts';
import type { LeaseFacts, SeedFacts, SeedStatus } from '../seed-facts.ts';
import type { SeedVersion } from '../seed-store.ts';
import { bytesOf } from './private-shape.ts';
import type { SeedShape } from './seed-shape.ts';

const { EJSON } = BSON;

/** What others change too: a change of ours names all of it as it was read. */
interface SharedState {
  /** Absent until this package has changed the seed. */
  readonly revision: number | null;
  readonly lease: unknown;
  readonly blobId: unknown;
  readonly status: unknown;
  readonly poolKey: unknown;
}

/**
 * Seeds that another program shares, in its layout: `createdAt`, `updatedAt`, `blobId`, `manifestVersion`, `poolKey`, `status` (`alive` or `dead`), `lease` (`holder`,
 * `expiresAt` as a date; null when free), `lastLeasedAt`. What it does not know lies in `seedbed`, which its updates leave alone: `facts`, `revision`, the content as this package
 * stored it last, and the `blobId` that had it then.
 */
export const sharedShape: SeedShape = {
  poolFilter: (poolKey) => ({ poolKey }),
  reading(document) {
    const own: Document | undefined = document['seedbed'];
    const state: SharedState = {
      revision: own?.['revision'] ?? null,
      lease: document['lease'] ?? null,
      blobId: document['blobId'] ?? null,
      status: document['status'] ?? null,
      poolKey: document['poolKey'] ?? null,
    };
    return {
      facts: factsOf(document, own?.['facts']),
      version: EJSON.stringify(state, { relaxed: false }) as SeedVersion,
      overwritten: !sameId(document['blobId'], own?.['blobId']),
    };
  },
  asRead(_id, version) {
    const state: SharedState = EJSON.parse(version, { relaxed: true });
    return {
      _id,
      'seedbed.revision': state.revision,
      ...leaseFilter(state.lease),
      blobId: state.blobId,
      status: state.status,
      poolKey: state.poolKey,
    };
  },
  blobOf(version) {
    const { blobId }: SharedState = EJSON.parse(version, { relaxed: true });
    return blobId instanceof ObjectId ? blobId : undefined;
  },
  fresh: (facts, stored) => ({
    createdAt: new Date(facts.createdMs),
    manifestVersion: new Int32(1),
    ...sharedFields(facts),
    ...(facts.pool === undefined ? {} : { poolKey: facts.pool }),
    blobId: stored.blobId,
    seedbed: {
      revision: 1,
      facts: ownFacts(facts),
      blobId: stored.blobId,
      content: new Binary(stored.bytes),
    },
  }),
  change({ facts: before, version }, facts, stored) {
    const { revision }: SharedState = EJSON.parse(version, { relaxed: true });
    const { status, ...shared } = sharedFields(facts);
    return {
      $set: {
        ...shared,
        // Left out unless it changes: it may be missing, which means the same to everybody.
        ...(isDead(before.status) === isDead(facts.status) ? {} : { status }),
        ...(facts.pool === undefined ? {} : { poolKey: facts.pool }),
        'seedbed.revision': (revision ?? 0) + 1,
        'seedbed.facts': ownFacts(facts),
        ...(stored === undefined
          ? {}
          : {
              blobId: stored.blobId,
              'seedbed.blobId': stored.blobId,
              'seedbed.content': new Binary(stored.bytes),
            }),
      },
      ...(facts.pool === undefined ? { $unset: { poolKey: '' } } : {}),
    };
  },
  contentField: 'seedbed.content',
  content: ({ seedbed }) => bytesOf(seedbed?.content),
};

function factsOf(document: Document, own: Document | undefined): SeedFacts {
  const createdMs = timeOf(document['createdAt']) ?? document['_id'].getTimestamp().getTime();
  const updatedMs = timeOf(document['updatedAt']);
  const lastLeasedMs = timeOf(document['lastLeasedAt']);
  const pool = document['poolKey'];
  const lease = leaseOf(document['lease']);
  const status = statusOf(document['status'], own?.['status']);
  const isJudgedByOthers = status === 'retired' && own?.['status'] !== 'retired';
  return parseSeedFacts({
    fence: 0,
    lineage: [],
    aside: [],
    ...own,
    id: String(document['_id']),
    status,
    ...(isJudgedByOthers ? { statusReason: 'another program marked it dead' } : {}),
    createdMs,
    updatedMs: updatedMs ?? createdMs,
    ...(typeof pool === 'string' ? { pool } : {}),
    ...(lastLeasedMs === undefined ? {} : { lastLeasedMs }),
    ...(lease === undefined ? {} : { lease }),
  });
}

/** What has a place of its own in the layout is not kept twice. */
function ownFacts(facts: SeedFacts): Document {
  const { id: _id, createdMs: _c, updatedMs: _u, pool: _p, lease: _l, lastLeasedMs: _m, ...own } = facts;
  return own;
}

function sharedFields({ updatedMs, lease, lastLeasedMs, status }: SeedFacts): Document {
  return {
    updatedAt: new Date(updatedMs),
    status: isDead(status) ? 'dead' : 'alive',
    lease:
      lease === undefined
        ? null
        : { holder: lease.holder, expiresAt: new Date(lease.expiresMs), fence: lease.fence },
    ...(lastLeasedMs === undefined ? {} : { lastLeasedAt: new Date(lastLeasedMs) }),
  };
}

function isDead(status: SeedStatus): boolean {
  return status === 'retired';
}

function statusOf(shared: unknown, own: unknown): SeedStatus {
  if (shared === 'dead') return 'retired';
  return own === 'suspect' ? 'suspect' : 'alive';
}

/** As the other program takes it: what has no date at which it ends does not hold. */
function leaseOf(lease: unknown): LeaseFacts | undefined {
  if (typeof lease !== 'object' || lease === null || !('holder' in lease) || !('expiresAt' in lease))
    return undefined;
  const { holder, expiresAt } = lease;
  if (typeof holder !== 'string' || !(expiresAt instanceof Date)) return undefined;
  const fence = 'fence' in lease && typeof lease.fence === 'number' ? lease.fence : 0;
  return { holder, fence, expiresMs: expiresAt.getTime() };
}

/** The two members that say whose it is, and until when: others may carry members of ours along, in any order. */
function leaseFilter(lease: unknown): Document {
  if (leaseOf(lease) === undefined || typeof lease !== 'object' || lease === null) return { lease };
  const { holder, expiresAt } = lease as { holder: string; expiresAt: Date };
  return { 'lease.holder': holder, 'lease.expiresAt': expiresAt };
}

function timeOf(value: unknown): number | undefined {
  return value instanceof Date ? value.getTime() : undefined;
}

function sameId(one: unknown, other: unknown): boolean {
  return one instanceof ObjectId && other instanceof ObjectId && one.equals(other);
}
