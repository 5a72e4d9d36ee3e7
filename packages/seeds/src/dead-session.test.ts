import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { expect, test } from 'vitest';
import { createDirectoryJournal } from './journal/directory-journal.ts';
import { createSeeds } from './seeds.ts';
import { openSqliteSeedStore } from './sqlite/index.ts';
import { testCredential, testCredentialKind, testManifest } from './testing/index.ts';

test('a token that was rotated just before its program was killed is had by the next session', {
  timeout: 120_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-dead-session-'));
  try {
    const file = join(folder, 'seeds.db');
    const directory = join(folder, 'journal');
    const home = join(folder, 'home');
    await using host = createLocalHost();
    await using store = await openSqliteSeedStore({ file });
    await using seeds = createSeeds({
      store,
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: createDirectoryJournal({ directory, sealing: 'plaintext' }),
    });
    const login = join(home, '.agent/login.json');
    await mkdir(join(home, '.agent'), { recursive: true });
    await writeFile(login, testCredential({ account: 'ada', token: 'token-1', at: 1 }));
    const seedId = await seeds.capture({ host, home: hostPath(home) });

    const program = join(import.meta.dirname, '../test/dying-session-child.ts');
    const session = spawn(process.execPath, [program, file, directory, seedId, home], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(session.stdout, 'data');
    session.kill('SIGKILL');
    await once(session, 'exit');
    await writeFile(login, testCredential({ account: 'ada', token: 'token-2', at: 2 }));

    const next = join(folder, 'next');
    await using lease = await seeds.acquire({ seedId }, 'next', { waitMs: 60_000 });
    await lease.plant({ host, home: hostPath(next) });
    const planted = JSON.parse(await readFile(join(next, '.agent/login.json'), 'utf8'));
    expect(planted).toMatchObject({ token: 'token-2' });
    await expect(readFile(login)).rejects.toMatchObject({ code: 'ENOENT' });
  } finally {
    await rm(folder, { recursive: true });
  }
});
