import { createLocalHost } from '@seedbed/host/local';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { describeOnMongodb, openTestDatabase } from '@seedbed/mongodb-server';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { killIfThere } from '../../test/kill-if-there.ts';
import { openSeedGround, type SeedGround, type SeedGroundOptions } from '../../test/seed-ground.ts';
import { startSeedProgram } from '../../test/seed-program.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const kills = ['the program', 'Codex', 'both'] as const;
type Killed = (typeof kills)[number];

/** SSH leads to this machine, so that all processes can be seen from here. */
async function killCodex({ mark }: SeedGround): Promise<void> {
  await using here = createLocalHost();
  for (const { pid, argv } of await processesWithEnvironment(here, mark))
    if (argv.join(' ').includes('app-server')) killIfThere(pid);
}

/**
 * A session rotates its token and is killed right afterwards: the program before it can have seen it, since it has been stopped meanwhile. Then another session starts
 * under the same login: in another home, or, where nothing runs there any more, in the same one.
 */
async function rotateAndKill(killed: Killed, options: SeedGroundOptions): Promise<void> {
  await using ground = await openSeedGround(options);
  const { oauth } = ground;
  await using drawer = await ground.drawer();
  const seedId = await ground.setUp(drawer);
  await using program = await startSeedProgram(ground, { leaseMs: KILLED_LEASE_MS, name: 'first' });
  await program.said('open');
  program.turn();
  await program.said('turn completed');
  const planted = await ground.generationIn('first');

  await oauth.expireAccess('account-1');
  await oauth.fail({ type: 'hold', name: 'tokens' });
  program.turn();
  // The first was for the login itself.
  await oauth.waitForRequests('/oauth/token', 2);
  if (killed !== 'Codex') program.signal('SIGSTOP');
  await oauth.release('tokens');
  await expect
    .poll(async () => ((await ground.generationIn('first')) ?? planted) === planted, { timeout: 20_000 })
    .toBe(false);
  const rotated = await ground.generationIn('first');
  if (killed !== 'the program') await killCodex(ground);
  if (killed !== 'Codex') program.signal('SIGKILL');
  else await program.said('ended failed');

  const use = { pool: 'team' };
  const name = killed === 'both' ? 'first' : 'next';
  const next = await ground.session({ name, seed: { from: drawer.seeds, use, waitMs: 60_000 } });
  expect(await ground.generationIn(name)).toBe(rotated);
  expect((await next.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
  await oauth.expireAccess('account-1');
  expect((await next.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
  expect(await next.end()).toMatchObject({ failures: [] });

  const { refreshTokens, spentTwice } = await oauth.audit();
  expect(spentTwice).toEqual([]);
  expect(refreshTokens.map(({ state }) => state)).toEqual(['spent', 'spent', 'live']);
  const { aside, lineage, status } = await drawer.seeds.get(seedId);
  expect([status, aside, lineage.map(({ how }) => how)]).toEqual([
    'alive',
    [],
    ['captured', 'rotated', 'rotated'],
  ]);
  // Over SSH it outlives its program for a minute, in case that comes back.
  await killCodex(ground);
  // What was left of the dead one cannot be spent any more.
  expect(await ground.generationIn('first')).toBeUndefined();
}

/** The next session waits for its end; a busy machine renews it all the same. */
const KILLED_LEASE_MS = 9_000;

describe.each(supportedVersions)(
  'a token of Codex %s is not lost, and the next session works,',
  (version) => {
    test.each(kills)(
      'when SIGKILL ends %s right after it was rotated',
      { timeout: 120_000 },
      async (killed) => {
        await rotateAndKill(killed, { version });
      },
    );
  },
);

describeOnMongodb('over SSH, with the logins in MongoDB, a token is not lost', (database) => {
  test.each(kills)(
    'when SIGKILL ends %s right after it was rotated',
    { timeout: 120_000 },
    async (killed) => {
      await using own = await openTestDatabase(database().uri);
      const mongodb = { uri: database().uri, database: own.db.databaseName };
      await rotateAndKill(killed, { version: '0.169.0', where: 'through SSH', mongodb });
    },
  );
});
