import { type Collection, type Db, type Document, ObjectId } from 'mongodb';
import { fingerprintId } from '../fingerprint-id.ts';
import { requireDuration } from '../require-settings.ts';
import { SeedError } from '../seed-error.ts';
import type { SeedId } from '../seed-facts.ts';
import { isUnreadable, readEach, type SeedStore, type StoredSeed } from '../seed-store.ts';
import { asked } from './mongodb-failure.ts';
import { privateShape } from './private-shape.ts';
import { createSeedBlobs } from './seed-blobs.ts';
import type { StoredBytes } from './seed-shape.ts';
import { answeredWithin } from './server-answer.ts';
import { createServerClock } from './server-clock.ts';
import { sharedShape } from './shared-shape.ts';

/** A pair that another program puts around the content, bytes for bytes: what is stored is `encode`d. */
export interface SeedCodec {
  encode(plain: Uint8Array): Uint8Array | Promise<Uint8Array>;
  decode(stored: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** What is agreed with another program that uses the same collection. */
export interface SharedSeeds {
  /** The same pair as there; without one the content lies open, and can't be sealed. */
  readonly codec?: SeedCodec;
  /** The GridFS bucket of the content. `fs` unless given. */
  readonly bucket?: string;
  /** Members of every blob's metadata, as the other program has them. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface MongodbSeedStoreOptions {
  /** Stays the caller's. */
  readonly db: Db;
  readonly collection: string;
  /**
   * Only for a collection that another program uses too, in its layout. Without it seeds lie in documents of this package's own, where nobody else looks:
   * give them a collection of their own.
   */
  readonly shared?: SharedSeeds;
  /** How long the server may take to answer one question, in milliseconds, before it counts as away. 30 seconds unless given. */
  readonly answerMs?: number;
}

const ANSWER_MS = 30_000;
const SWEEP_OLDER_MS = 3_600_000;
const plain: SeedCodec = { encode: (bytes) => bytes, decode: (bytes) => bytes };

/**
 * Seeds in MongoDB, for any number of programs on any machines. Needs no transactions and makes no indexes. Does no I/O.
 *
 * @throws {SeedError} `invalid-config`.
 */
export function createMongodbSeedStore(options: MongodbSeedStoreOptions): SeedStore {
  const { db, collection, shared, answerMs = ANSWER_MS } = options;
  requireDuration({ answerMs }, { least: 1 });
  const seeds: Collection = db.collection(collection, {
    readPreference: 'primary',
    // What was acknowledged must survive the loss of a server.
    writeConcern: { w: 'majority', journal: true },
  });
  const shape = shared === undefined ? privateShape : sharedShape;
  const { bucket = 'fs', metadata = {}, codec = plain } = shared ?? {};
  const answered = answeredWithin(answerMs);
  const blobs = shared === undefined ? undefined : createSeedBlobs({ db, bucket, seeds, metadata, answered });
  const clock = createServerClock(db, answered);
  const label = `mongodb ${hostsOf(db)}/${db.databaseName}.${collection}`;
  const ask = <T>(what: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> =>
    asked(`${what} in ${label}`, work, signal);

  const store = async (content: Uint8Array): Promise<StoredBytes> => {
    const bytes = await codec.encode(content);
    return { bytes, blobId: await blobs?.put(bytes) };
  };
  const read = async (document: Document, nowMs: number, signal?: AbortSignal): Promise<StoredSeed> => {
    const reading = shape.reading(document);
    const own = shape.content(document);
    const content = own.byteLength === 0 ? own : await decoded(codec, own);
    if (!reading.overwritten) return { ...reading, content, nowMs };
    const { blobId } = document;
    const blob = blobId instanceof ObjectId ? await blobs?.read(blobId, signal) : undefined;
    return { ...reading, content, ...(await foreignContent(codec, blob)), nowMs };
  };
  return {
    label,
    contentReadBy:
      shared === undefined ? 'nobody' : shared.codec === undefined ? 'others' : 'others-by-codec',
    createId: fingerprintId,
    now: ({ signal } = {}) => ask('read the time', () => clock.now(signal), signal),
    get: (id, { signal } = {}) =>
      ask(
        `read seed ${id}`,
        async () => {
          const _id = idOf(id);
          if (_id === undefined) return undefined;
          const { found, nowMs } = await clock.find(seeds, { _id }, { signal });
          const [document] = found;
          return document === undefined ? undefined : await read(document, nowMs, signal);
        },
        signal,
      ),
    list: ({ pool, signal } = {}) =>
      ask(
        'list the seeds',
        async () => {
          const wanted = pool === undefined ? {} : shape.poolFilter(pool);
          const { found, nowMs } = await clock.find(seeds, wanted, { without: shape.contentField, signal });
          const readable = found.filter(({ _id }) => _id instanceof ObjectId);
          const listed = readEach(readable, {
            read: (document) => shape.reading(document),
            idOf: ({ _id }) => String(_id) as SeedId,
          });
          return { ...listed, nowMs };
        },
        signal,
      ),
    insert: (facts, content) =>
      ask('add a seed', async () => {
        const stored = await store(content);
        const document = { _id: new ObjectId(facts.id), ...shape.fresh(facts, stored) };
        await answered(() => seeds.insertOne(document));
      }),
    update: (seed, { facts, content }) =>
      ask(`change seed ${facts.id}`, async () => {
        const stored = content === undefined ? undefined : await store(content);
        const filter = shape.asRead(new ObjectId(facts.id), seed.version);
        const before = stored === undefined ? undefined : shape.blobOf(seed.version);
        const change = shape.change(seed, facts, stored);
        const { modifiedCount } = await answered(() => seeds.updateOne(filter, change));
        const isDone = modifiedCount === 1;
        const useless = isDone ? before : stored?.blobId;
        if (useless !== undefined) await blobs?.delete(useless).catch(() => undefined);
        return isDone;
      }),
    remove: (seed) =>
      ask(`remove seed ${seed.facts.id}`, async () => {
        const blob = shape.blobOf(seed.version);
        const filter = shape.asRead(new ObjectId(seed.facts.id), seed.version);
        const { deletedCount } = await answered(() => seeds.deleteOne(filter));
        if (deletedCount === 1 && blob !== undefined) await blobs?.delete(blob).catch(() => undefined);
        return deletedCount === 1;
      }),
    removeUnreadable: (id) =>
      ask(`remove seed ${id}`, async () => {
        const _id = idOf(id);
        const document = _id && (await answered(() => seeds.findOne({ _id })));
        if (!document || !isUnreadable(() => shape.reading(document))) return false;
        // Of what cannot be read no revision can be relied on. A blob that nothing points at any more is swept.
        const { deletedCount } = await answered(() => seeds.deleteOne(document));
        return deletedCount === 1;
      }),
    sweep: () => ask('sweep', async () => (await blobs?.sweep((await clock.now()) - SWEEP_OLDER_MS)) ?? 0),
    async [Symbol.asyncDispose]() {},
  };
}

function idOf(id: SeedId): ObjectId | undefined {
  return ObjectId.isValid(id) && id.length === 24 ? new ObjectId(id) : undefined;
}

/**
 * Empty when there is nothing that could be read: whoever decides then keeps ours. What the codec does not open may be the newest token, under a key that has yet to come here; it keeps
 * the seed from nobody who only ends a lease or gives the seed a label.
 */
async function foreignContent(
  codec: SeedCodec,
  stored: Uint8Array | undefined,
): Promise<Pick<StoredSeed, 'foreign' | 'unopened'>> {
  if (stored === undefined) return { foreign: new Uint8Array() };
  try {
    return { foreign: await decoded(codec, stored) };
  } catch (failure) {
    if (failure instanceof SeedError && failure.code === 'unsealing-failed') return { unopened: failure };
    throw failure;
  }
}

async function decoded(codec: SeedCodec, stored: Uint8Array): Promise<Uint8Array> {
  try {
    return await codec.decode(stored);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SeedError('unsealing-failed', `The codec does not open what is stored: ${reason}`, { cause });
  }
}

/**
 * The servers as they were named, without what logs in to them, in an order that is always the same: notes of the journal are told to the store of this name. What a name of DNS stands for
 * is known only once the client is connected, and may change.
 */
function hostsOf(db: Db): string {
  const { srvHost, hosts } = db.client.options;
  return srvHost ?? hosts.map(String).toSorted().join(',');
}
