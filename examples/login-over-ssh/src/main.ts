import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CODEX_SEED_MANIFEST,
  codexCredential,
  codexRefresh,
  logInToCodex,
  openCodexSession,
} from '@seedbed/agent-codex';
import { openRotatingOAuth, openScriptedModel } from '@seedbed/agent-codex/testing';
import { createKeyring } from '@seedbed/blob-store';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { openSshd } from '@seedbed/host/testing';
import { createDirectoryJournal, createSeeds, refreshIdleSeeds } from '@seedbed/seeds';
import { openSqliteSeedStore } from '@seedbed/seeds/sqlite';

// Stand-ins for the model, the login provider and the worker, all on this machine. With real ones these go, and so do `codex`, `issuer` and `tokenUrl` below.
const answers = { replies: [], otherwise: [{ type: 'say', text: 'I am logged in.' }] } as const;
await using model = await openScriptedModel({ story: answers });
const accounts = [{ id: 'ada' }];
await using oauth = await openRotatingOAuth({ model: model.url, accounts, approveDevices: 'nobody' });
const codex = { config: oauth.config(model.providerConfig()), env: oauth.environment('codex') };
const { issuer, tokenUrl } = oauth;
await using sshd = await openSshd();
const { host, port, user, privateKey, fingerprint } = sshd;

await using here = createLocalHost();
await using worker = await openSshHost({ host, port, user, auth: { privateKey }, hostKey: { fingerprint } });
await using folder = await mkdtempDisposable('/var/tmp/login-over-ssh-');

// Where logins are kept. A program that lives longer than this one keeps its key too.
const key = crypto.getRandomValues(new Uint8Array(32));
const sealing = createKeyring({ current: 'first', keys: { first: key } });
await using store = await openSqliteSeedStore({ file: join(folder.path, 'seeds.db') });
await using seeds = createSeeds({
  ...{ store, sealing, kind: codexCredential, manifest: CODEX_SEED_MANIFEST },
  journal: createDirectoryJournal({ directory: join(folder.path, 'journal'), sealing }),
  // What a program that was killed has left of a login is looked for on its host, before anybody gets that login.
  reach: (place) => [here, worker].find(({ label }) => label === place),
});
// What nobody uses is kept from running out, beside all that follows.
await using _refreshing = refreshIdleSeeds(seeds, {
  refresh: codexRefresh({ tokenUrl }),
  onFailure: (failure) => console.error('The logins could not be refreshed:', failure),
});

// Somebody logs in, once.
{
  await using login = await logInToCodex({
    ...{ host: here, ...codex, workdir: join(folder.path, 'setup') },
    method: {
      type: 'device',
      issuer,
      onPrompt: async ({ url, code }) => {
        console.log(`Open ${new URL(url).pathname} and type the code.`);
        await oauth.approveDevice(code);
      },
    },
  });
  await seeds.capture({ host: here, home: login.home, pool: 'team' });
}

// On the worker, by as many sessions as there are logins; one that finds none free waits for a minute.
{
  await using session = await openCodexSession({
    ...{ host: worker, ...codex, task: 'greeting', workdir: join(folder.path, 'greeting') },
    seed: { from: seeds, use: { pool: 'team' }, waitMs: 60_000 },
  });
  console.log('codex:', (await session.conversation.run('Are you there?')).finalMessage);
  const { failures } = await session.end();
  if (failures.length > 0) throw new AggregateError(failures.map(({ error }) => error));
}
const [seed] = await seeds.list({ pool: 'team' });
console.log(`The login is ${seed?.status}, and ${seed?.lease === undefined ? 'free' : 'in use'}.`);
