import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CODEX_SEED_MANIFEST,
  type CodexConfig,
  codexCredential,
  logInToCodex,
  openCodexSession,
} from '@seedbed/agent-codex';
import { openRotatingOAuth, openScriptedModel } from '@seedbed/agent-codex/testing';
import { createKeyring } from '@seedbed/blob-store';
import { createLocalHost } from '@seedbed/host/local';
import { createDirectoryJournal, createSeeds } from '@seedbed/seeds';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';

// A model and a login provider on this machine. With the real ones all of this goes, and `provider` and `env` below.
const answers = { replies: [], otherwise: [{ type: 'say', text: 'I am logged in.' }] } as const;
await using model = await openScriptedModel({ story: answers });
await using oauth = await openRotatingOAuth({
  model: model.url,
  accounts: [{ id: 'ada' }],
  approveDevices: 'nobody',
});
const provider: CodexConfig = oauth.config(model.providerConfig());
const env = oauth.environment('codex');

await using host = createLocalHost();
await using folder = await mkdtempDisposable('/var/tmp/one-login-');

// Where logins are kept. A program that lives longer than this one keeps its key too.
const sealing = createKeyring({
  current: 'first',
  keys: { first: crypto.getRandomValues(new Uint8Array(32)) },
});
await using store = await openSqliteSeedStore({ file: join(folder.path, 'seeds.db') });
await using seeds = createSeeds({
  store,
  sealing,
  journal: createDirectoryJournal({ directory: join(folder.path, 'journal'), sealing }),
  kind: codexCredential,
  manifest: CODEX_SEED_MANIFEST,
});

// Somebody logs in, once.
{
  await using login = await logInToCodex({
    ...{ host, env, config: provider, workdir: join(folder.path, 'setup') },
    method: {
      type: 'device',
      issuer: oauth.issuer,
      onPrompt: async ({ code }) => {
        console.log('Somebody opens the page, and types the code.');
        await oauth.approveDevice(code);
      },
    },
  });
  await seeds.capture({ host, home: login.home, pool: 'team', label: 'Ada’s' });
}

// Any number of tasks; each has the login to itself, and gives back what it has become.
for (const task of ['first', 'second']) {
  await using session = await openCodexSession({
    ...{ host, env, task, workdir: join(folder.path, task) },
    seed: { from: seeds, use: { pool: 'team' }, waitMs: 60_000 },
  });
  await oauth.expireAccess('ada');
  console.log(`${task}:`, (await session.conversation.run('Are you there?')).finalMessage);
}

const [seed] = await seeds.list({ pool: 'team' });
console.log(`${seed?.label}: ${seed?.status}, ${seed?.lineage.map(({ how }) => how).join(', ')}`);
