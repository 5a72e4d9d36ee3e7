// Puts one endless blob into a store, and says after each megabyte how many there are; after MEGABYTES it waits for ever. usage: put-child.ts directory FOLDER | gridfs URI DATABASE MEGABYTES
import { MongoClient } from 'mongodb';
import type { BlobStore } from '../src/blob-store.ts';
import { openDirectoryBlobStore } from '../src/directory/index.ts';
import { createGridFsBlobStore } from '../src/gridfs/index.ts';

const [kind, place = '', database, most = 'Infinity'] = process.argv.slice(2);

async function openStore(): Promise<BlobStore> {
  if (kind === 'directory') return await openDirectoryBlobStore({ folder: place });
  return createGridFsBlobStore(new MongoClient(place).db(database));
}

const store = await openStore();
let megabytes = 0;
const endless = new ReadableStream<Uint8Array>(
  {
    async pull(controller) {
      if (megabytes === Number(most)) await new Promise<never>(() => undefined);
      controller.enqueue(new Uint8Array(1_048_576).fill(megabytes));
      megabytes += 1;
      process.stdout.write(`${megabytes}\n`);
    },
  },
  { highWaterMark: 0 },
);
await store.put(endless);
