import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type BenchResult, type BenchTopic, compare, median, pairedRuns } from '@seedbed/bench';
import { openMongodbServers, openTestDatabase } from '@seedbed/mongodb-server';
import { GridFSBucket, type GridFSBucketWriteStream } from 'mongodb';
import { openDirectoryBlobStore } from '../src/directory/index.ts';
import { createGridFsBlobStore, ensureIndexes } from '../src/gridfs/index.ts';
import { type BlobStore, createKeyring, sealBlobs } from '../src/index.ts';

const MEGABYTES = 32;
const PIECE_BYTES = 64 * 1024;
const keyring = createKeyring({ current: 'bench', keys: { bench: randomBytes(32) } });

/** What each side does with the same bytes. */
interface Side {
  put(): Promise<void>;
  /** Reads all of it. */
  open(): Promise<void>;
}

/** Sealed blobs against the same bytes in clear, by the plainest means. */
export const topic: BenchTopic = {
  name: 'blob-store',
  async measure({ signal, progress }): Promise<readonly BenchResult[]> {
    const folder = await mkdtemp(join(tmpdir(), 'seedbed-bench-blobs-'));
    await using servers = await openMongodbServers();
    const [server] = servers.servers;
    if (server === undefined) throw new Error('There is no MongoDB server.');
    await using database = await openTestDatabase(server.uri);
    await ensureIndexes(database.db);
    try {
      const bytes = randomBytes(MEGABYTES * 1_000_000);
      const file = join(folder, 'file');
      await writeFile(file, bytes);
      const directory = sealBlobs(await openDirectoryBlobStore({ folder: join(folder, 'blobs') }), keyring);
      const gridFs = sealBlobs(createGridFsBlobStore(database.db), keyring);
      progress('a folder, sealed, against a copied file');
      const files = await rates(blobSide(directory, bytes), fileSide(file), signal);
      progress('GridFS, sealed, against GridFSBucket');
      const plain = bucketSide(new GridFSBucket(database.db, { bucketName: 'plain' }), bytes);
      const documents = await rates(blobSide(gridFs, bytes), plain, signal);
      return [
        ...figures('a folder', files, ['fs.copyFile and fsync', 'fs.createReadStream']),
        ...figures(`GridFS (${server.name})`, documents, ['GridFSBucket, plain', 'GridFSBucket, plain']),
      ];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

type Rates = Readonly<Record<keyof Side, { readonly ours: number; readonly theirs: number }>>;

/** MB a second. */
async function rates(ours: Side, theirs: Side, signal: AbortSignal): Promise<Rates> {
  const rate = (work: () => Promise<void>) => async (): Promise<number> => {
    const began = performance.now();
    await work();
    return (MEGABYTES * 1_000) / (performance.now() - began);
  };
  const compared = async (what: keyof Side): Promise<Rates[keyof Side]> => {
    const runs = await pairedRuns(rate(ours[what]), rate(theirs[what]), { rounds: 5, signal });
    return { ours: median(runs.ours), theirs: median(runs.theirs) };
  };
  return { put: await compared('put'), open: await compared('open') };
}

function figures(
  where: string,
  { put, open }: Rates,
  [putting, opening]: readonly [string, string],
): readonly BenchResult[] {
  const figure = (what: string, { ours, theirs }: Rates[keyof Side], name: string): BenchResult =>
    compare({
      name: `${MEGABYTES} MB ${what} ${where}, sealed`,
      unit: 'MB/s',
      better: 'higher',
      ours,
      alternative: { name, value: theirs },
    });
  return [figure('into', put, putting), figure('out of', open, opening)];
}

function blobSide(store: BlobStore, bytes: Uint8Array): Side {
  let last: Awaited<ReturnType<BlobStore['put']>> | undefined;
  return {
    async put() {
      if (last !== undefined) await store.delete(last);
      last = await store.put(inPieces(bytes));
    },
    async open() {
      if (last !== undefined) for await (const _ of await store.open(last));
    },
  };
}

function fileSide(file: string): Side {
  return {
    async put() {
      await copyFile(file, `${file}.copy`);
      const copy = await open(`${file}.copy`, 'r');
      await copy.sync();
      await copy.close();
    },
    async open() {
      for await (const _ of createReadStream(file));
    },
  };
}

function bucketSide(bucket: GridFSBucket, bytes: Uint8Array): Side {
  let last: GridFSBucketWriteStream | undefined;
  return {
    async put() {
      if (last !== undefined) await bucket.delete(last.id);
      last = bucket.openUploadStream('blob');
      await pipeline(Readable.fromWeb(inPieces(bytes)), last);
    },
    async open() {
      if (last !== undefined) for await (const _ of bucket.openDownloadStream(last.id));
    },
  };
}

function inPieces(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= bytes.byteLength) return controller.close();
      controller.enqueue(bytes.subarray(at, at + PIECE_BYTES));
      at += PIECE_BYTES;
    },
  });
}
