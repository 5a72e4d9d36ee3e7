import { hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { createDirectoryJournal, createSeeds, type SeedId } from '../src/index.ts';
import { openSqliteSeedStore } from '../src/sqlite/index.ts';
import { testCredentialKind, testManifest } from '../src/testing/index.ts';

/**
 * A program of its own that leases a seed, plants it, and then does nothing until it is killed: `node dying-session-child.ts FILE JOURNAL SEED HOME`.
 * It prints one line when it has planted.
 */
const [file = '', directory = '', seedId = '', home = ''] = process.argv.slice(2);
const store = await openSqliteSeedStore({ file });
const seeds = createSeeds({
  store,
  kind: testCredentialKind,
  manifest: testManifest,
  sealing: 'plaintext',
  journal: createDirectoryJournal({ directory, sealing: 'plaintext' }),
  // Has to be over before the next can have the seed, and not before it is planted.
  leaseMs: 10_000,
});
const lease = await seeds.acquire({ seedId: seedId as SeedId }, 'dying session');
await lease.plant({ host: createLocalHost(), home: hostPath(home) });
process.stdout.write('planted\n');
setInterval(() => undefined, 60_000);
