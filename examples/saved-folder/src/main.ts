import { createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots } from '@seedbed/snapshots';
import { openSqliteSnapshotIndex } from '@seedbed/snapshots/sqlite';

const encryption = createKeyring({ current: '2026', keys: { '2026': process.env['SNAPSHOT_KEY'] ?? '' } });
const blobs = await openDirectoryBlobStore({ folder: './blobs' });
using index = openSqliteSnapshotIndex({ file: './tasks.db' });
const snapshots = createSnapshots({ index, blobs, encryption });
await using host = createLocalHost();
const folder = hostPath(`${process.cwd()}/work`);
const notes = hostPath(`${folder}/notes.txt`);

await host.makeDirectory(folder);
await host.writeFile(notes, 'first');
const { snapshot } = await snapshots.save(host, folder, { task: 'notes' });
await host.writeFile(notes, 'second');
const { progress } = await snapshots.save(host, folder, { task: 'notes', endState: 'done' });
const { changed } = await snapshots.diff({ task: 'notes', number: snapshot.number }, { task: 'notes' });
const { fetchedBytes } = await snapshots.restore(host, folder, { task: 'notes', number: snapshot.number });
console.log(changed, `${progress.readBytes} bytes read, ${fetchedBytes} fetched`);
