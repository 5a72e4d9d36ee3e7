import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import { openCodexSession } from '@seedbed/agent-codex';
import { openScriptedModel } from '@seedbed/agent-codex/testing';
import { createKeyring } from '@seedbed/blob-store';
import { openDirectoryBlobStore } from '@seedbed/blob-store/directory';
import { createLocalHost } from '@seedbed/host/local';
import { createSnapshots } from '@seedbed/snapshots';
import { openSqliteSnapshotIndex } from '@seedbed/snapshots/sqlite';

const patch = '*** Begin Patch\n*** Add File: hello.txt\n+Hello, world\n*** End Patch';
await using model = await openScriptedModel({
  story: {
    run: 'shared',
    replies: [
      { steps: [{ type: 'patch', patch }] },
      { steps: [{ type: 'say', text: 'hello.txt is written.' }] },
      { steps: [{ type: 'run', command: 'cat hello.txt' }] },
      { steps: [{ type: 'say', text: 'It is still there.' }] },
    ],
  },
});
await using host = createLocalHost();
await using folder = await mkdtempDisposable('/var/tmp/resume-');

// Where tasks are kept. A program that lives longer than this one keeps its key too.
const blobs = await openDirectoryBlobStore({ folder: join(folder.path, 'blobs') });
using index = openSqliteSnapshotIndex({ file: join(folder.path, 'tasks.db') });
const key = crypto.getRandomValues(new Uint8Array(32));
const encryption = createKeyring({ current: 'first', keys: { first: key } });
const store = createSnapshots({ index, blobs, encryption });
const task = { host, task: 'greeting', config: model.providerConfig(), snapshots: { store } };

{
  await using session = await openCodexSession({ ...task, workdir: join(folder.path, 'here') });
  const { finalMessage } = await session.conversation.run('Write a file that greets the world.');
  console.log('codex:', finalMessage);
  const { state, failures, snapshot } = await session.end();
  if (failures.length > 0) throw new AggregateError(failures.map(({ error }) => error));
  console.log(`The session has ended, ${state}. Snapshot ${snapshot?.snapshot.number} is kept.`);
}

// Any program that has the store and the key, on any host.
await using session = await openCodexSession({ ...task, workdir: join(folder.path, 'elsewhere') });
const { resumed, conversation } = session;
console.log(`It goes on: the folder is ${resumed?.workdir}, the thread ${resumed?.thread}.`);
console.log('codex:', (await conversation.run('Is the file still there?')).finalMessage);

// A viewer who comes now sees both sessions as one conversation.
for (const { items } of conversation.state().turns) {
  for (const item of items) {
    if (item.kind === 'file-change') console.log('turn 1 changed', item.changes.length, 'file');
    if (item.kind === 'command') console.log('turn 2 printed', item.output.trim());
  }
}
