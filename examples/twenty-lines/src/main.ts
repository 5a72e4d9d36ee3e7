import { join } from 'node:path';
import { openCodexConversation } from '@seedbed/agent-codex';
import { openScriptedModel } from '@seedbed/agent-codex/testing';
import { createLocalHost } from '@seedbed/host/local';

const patch = '*** Begin Patch\n*** Add File: hello.txt\n+Hello, world\n*** End Patch';
await using model = await openScriptedModel({
  story: { replies: [{ steps: [{ type: 'patch', patch }] }, { steps: [{ type: 'say', text: 'Done.' }] }] },
});
await using host = createLocalHost();
const workdir = join(process.cwd(), 'hello');
await using codex = await openCodexConversation({ host, workdir, config: model.providerConfig() });

const { outcome, finalMessage } = await codex.run('Write a file that greets the world.');
console.log(outcome.status, finalMessage);
for (const item of codex.state().turns.flatMap((turn) => turn.items)) {
  if (item.kind !== 'file-change') continue;
  for (const { kind, path, diff } of item.changes) console.log(kind, path, diff);
}
