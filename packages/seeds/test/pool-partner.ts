import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Collection, type Db, type Document, GridFSBucket, ObjectId } from 'mongodb';
import type { SeedCodec } from '../src/mongodb/index.ts';

const LEASE_MS = 60_000;

/** How an archive was made, before it is compressed. */
export type ArchiveForm = 'gnu' | 'pax' | 'replaced-last' | 'dotted';

export interface PartnerOptions {
  readonly db: Db;
  readonly collection: string;
  readonly codec?: SeedCodec;
}

/** Another program with the same pool, as far as its calls to the database go: its conditions, and that it has none when it saves back. */
export interface PoolPartner {
  readonly seeds: Collection;
  /** Captures files as that program does; `document` replaces members of what it would write. */
  capture(
    files: Readonly<Record<string, string>>,
    form?: ArchiveForm,
    document?: Document,
  ): Promise<ObjectId>;
  acquire(pool: string, holder: string): Promise<ObjectId | undefined>;
  /** Matches the holder only. */
  renew(id: ObjectId, holder: string): Promise<boolean>;
  release(id: ObjectId, holder: string): Promise<boolean>;
  /** The files as it would plant them: the members of exactly these names. */
  plant(id: ObjectId): Promise<Readonly<Record<string, string>>>;
  /** Reads the blob, replaces a member, stores a new blob, repoints, deletes the old one. `between` runs before the repointing. */
  saveBack(id: ObjectId, member: readonly [string, string], between?: () => Promise<void>): Promise<void>;
}

export function createPoolPartner({ db, collection, codec }: PartnerOptions): PoolPartner {
  const seeds = db.collection(collection);
  const bucket = new GridFSBucket(db);
  const put = async (archive: Uint8Array, metadata?: Document): Promise<ObjectId> => {
    const upload = bucket.openUploadStream('seed', metadata === undefined ? {} : { metadata });
    const stored = codec === undefined ? archive : await codec.encode(archive);
    await new Promise<void>((resolve, reject) => {
      upload.once('finish', () => resolve()).once('error', reject);
      upload.end(stored);
    });
    return upload.id;
  };
  const read = async (id: ObjectId): Promise<Buffer> => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bucket.openDownloadStream(id) as AsyncIterable<Uint8Array>) chunks.push(chunk);
    const stored = Buffer.concat(chunks);
    return Buffer.from(codec === undefined ? stored : await codec.decode(stored));
  };
  const blobOf = async (id: ObjectId): Promise<ObjectId> => (await seeds.findOne({ _id: id }))?.['blobId'];
  return {
    seeds,
    async capture(files, form = 'gnu', document = {}) {
      const blobId = await put(await archiveOf(files, form), {
        processId: new ObjectId().toHexString(),
        prefix: 'p',
        name: 'n',
      });
      const fresh = { createdAt: new Date(), blobId, manifestVersion: 1, ...document };
      return (await seeds.insertOne(fresh)).insertedId;
    },
    async acquire(pool, holder) {
      const now = await serverNow(db);
      const expiresAt = new Date(now.getTime() + LEASE_MS);
      const free = { poolKey: pool, status: { $ne: 'dead' } };
      const options = { sort: { lastLeasedAt: 1 }, returnDocument: 'after' } as const;
      const lapsed = {
        $or: [{ 'lease.expiresAt': { $lt: now } }, { 'lease.expiresAt': { $type: ['string', 'number'] } }],
      };
      const taken =
        (await seeds.findOneAndUpdate(
          { ...free, lease: null },
          { $set: { lease: { holder, expiresAt }, lastLeasedAt: now } },
          options,
        )) ??
        // What else is in the lease stays there.
        (await seeds.findOneAndUpdate(
          { ...free, ...lapsed },
          { $set: { 'lease.holder': holder, 'lease.expiresAt': expiresAt, lastLeasedAt: now } },
          options,
        ));
      return taken?._id;
    },
    async renew(id, holder) {
      const expiresAt = new Date((await serverNow(db)).getTime() + LEASE_MS);
      const { matchedCount } = await seeds.updateOne(
        { _id: id, 'lease.holder': holder },
        { $set: { 'lease.expiresAt': expiresAt } },
      );
      return matchedCount === 1;
    },
    async release(id, holder) {
      const { matchedCount } = await seeds.updateOne(
        { _id: id, 'lease.holder': holder },
        { $set: { lease: null } },
      );
      return matchedCount === 1;
    },
    plant: async (id) => readArchive(await read(await blobOf(id))),
    async saveBack(id, [name, text], between) {
      const old = await blobOf(id);
      const files = { ...readArchive(await read(old)), [name]: text };
      const blobId = await put(await archiveOf(files, 'pax'));
      await between?.();
      await seeds.updateOne({ _id: id }, { $set: { blobId, updatedAt: new Date() } });
      await bucket.delete(old).catch(() => undefined);
    },
  };
}

async function serverNow(db: Db): Promise<Date> {
  const answer = await db.command({ hello: 1 }).catch(() => db.command({ isMaster: 1 }));
  return answer['localTime'];
}

/** Made by the real `tar`. */
export async function archiveOf(
  files: Readonly<Record<string, string>>,
  form: ArchiveForm,
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-partner-'));
  const tar = (...args: readonly string[]): void => {
    execFileSync('tar', ['-C', folder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const write = async (content: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(content)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
  };
  try {
    const names = Object.keys(files);
    const stale = Object.fromEntries(
      names.map((name) => [name, `replaced ${createHash('md5').update(name).digest('hex')}`]),
    );
    const file = join(folder, 'archive.tar');
    await write(form === 'replaced-last' ? stale : files);
    const format = form === 'gnu' ? 'gnu' : 'pax';
    const named = form === 'dotted' ? names.map((name) => `./${name}`) : names;
    tar(`--format=${format}`, '-cf', file, ...named);
    if (form === 'replaced-last') {
      await write(files);
      tar('--format=pax', '-rf', file, ...names);
    }
    return execFileSync('gzip', ['-c', file], { maxBuffer: 1e8 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The last member of each name, by the real `tar`. */
export function readArchive(archive: Uint8Array): Record<string, string> {
  const list = execFileSync('tar', ['-tzf', '-'], { input: archive, encoding: 'utf8', stdio: 'pipe' });
  const files: Record<string, string> = {};
  const folder = mkdtempSync(join(tmpdir(), 'seedbed-partner-'));
  try {
    execFileSync('tar', ['-C', folder, '-xzf', '-'], { input: archive, stdio: 'pipe' });
    for (const name of new Set(list.split('\n').filter((line) => line !== '' && !line.endsWith('/')))) {
      files[name] = readFileSync(join(folder, name), 'utf8');
    }
    return files;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
