import { createKeyring, sealBlobs } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';

const keyring = createKeyring({ current: '2026-11', keys: { '2026-11': process.env['BLOB_KEY'] ?? '' } });
const store = sealBlobs(await openDirectoryBlobStore({ folder: './blobs' }), keyring);
const id = await store.put(new TextEncoder().encode('hello'), { labels: { task: 'greeting' } });
process.stdout.write(
  `${await new Response(await store.open(id)).text()}, ${(await store.stat(id))?.size} bytes\n`,
);
await store.delete(id);
