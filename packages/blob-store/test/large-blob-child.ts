// Puts a large sealed blob into a store and reads it back, and says how much memory that took at the most, in MiB. usage: large-blob-child.ts MEGABYTES directory FOLDER | gridfs URI DATABASE
import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { openDirectoryBlobStore } from '../src/directory/index.ts';
import { createGridFsBlobStore } from '../src/gridfs/index.ts';
import { createKeyring, sealBlobs } from '../src/index.ts';

const [count, kind, place = '', database] = process.argv.slice(2);
const megabytes = Number(count);
const client = kind === 'gridfs' ? new MongoClient(place) : undefined;
const store = sealBlobs(
  client === undefined
    ? await openDirectoryBlobStore({ folder: place })
    : createGridFsBlobStore(client.db(database)),
  createKeyring({ current: 'k', keys: { k: randomBytes(32) } }),
);
let given = 0;
const body = new ReadableStream<Uint8Array>(
  {
    pull(controller) {
      if (given === megabytes) return controller.close();
      controller.enqueue(new Uint8Array(1_048_576).fill(given));
      given += 1;
    },
  },
  { highWaterMark: 0 },
);
const id = await store.put(body);
let read = 0;
for await (const piece of await store.open(id)) {
  if (piece[0] !== ((read / 1_048_576) & 0xff)) throw new Error(`Wrong bytes after ${read}.`);
  read += piece.byteLength;
}
await store.delete(id);
await client?.close();
process.stdout.write(JSON.stringify({ read, peakMiB: Math.round(process.resourceUsage().maxRSS / 1_024) }));
