import { hostPath, joinHostPath, readText } from '@seedbed/host';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, loginIn, openGround } from '../test/ground.ts';
import type { SeedId } from './seed-facts.ts';

const HOME = homeOf('task');
const TAKEN = hostPath(`${loginIn(HOME)}.seedbed-collected`);
const bob = { account: 'bob', token: 'bob-1', at: 1 };

let ground: Ground;
let adas: SeedId;
let bobs: SeedId;
beforeEach(async () => {
  ground = openGround();
  adas = await ground.captured();
  bobs = await ground.captured(bob);
});
afterEach(() => ground[Symbol.asyncDispose]());

/** A task with Ada's login, which has rotated it and is killed before that is saved. */
async function killedTask(): Promise<void> {
  const dying = ground.store.another();
  const lease = await ground.seeds({ store: dying }).acquire({ seedId: adas }, 'dying');
  await lease.plant({ host: ground.host, home: HOME });
  dying.goAway();
  await ground.write(HOME, { ...ada, token: 'token-2', at: 2 });
}

/** The task again, with Bob's. */
async function startAnew(): Promise<void> {
  await using lease = await ground.seeds().acquire({ seedId: bobs }, 'again');
  await lease.plant({ host: ground.host, home: HOME });
  expect(await ground.read(HOME)).toMatchObject({ token: 'bob-1' });
}

test('a login that a killed task has left in its home is saved when another one takes its place there', async () => {
  await killedTask();
  await startAnew();
  await ground.clock.advance(LEASE_MS + 1);
  expect(await ground.storedToken(adas)).toBe('token-2');
  expect((await ground.seeds().get(adas)).status).toBe('alive');
  expect(await ground.host.stat(TAKEN)).toBeUndefined();
});

test('its next holder is given it while the other one is still used in that home', async () => {
  await killedTask();
  await using lease = await ground.seeds().acquire({ seedId: bobs }, 'again');
  await lease.plant({ host: ground.host, home: HOME });
  const acquiring = ground.seeds().acquire({ seedId: adas }, 'next', { waitMs: 2 * LEASE_MS });
  await using next = await ground.clock.until(acquiring);
  await next.plant({ host: ground.host, home: homeOf('next') });
  expect(await ground.read(homeOf('next'))).toMatchObject({ token: 'token-2' });
  expect((await ground.seeds().get(adas)).status).toBe('alive');
  expect(await ground.read(HOME)).toMatchObject({ token: 'bob-1' });
});

test('a login of nobody here is set aside in the home, and not written over', async () => {
  await ground.write(HOME, { account: 'eve', token: 'eve-1', at: 1 });
  await startAnew();
  expect(JSON.parse(await readText(ground.host, TAKEN))).toMatchObject({ token: 'eve-1' });
});

test('a mark that names a seed which was not planted there does nothing to that seed', async () => {
  const { generation } = (await ground.seeds().get(adas)).lineage.at(-1) ?? {};
  await ground.write(HOME, { ...ada, token: 'forged', at: 9 });
  const mark = joinHostPath(HOME, '.seedbed-seed.json');
  await ground.host.writeFile(mark, JSON.stringify({ seed: adas, generation }));
  await startAnew();
  expect(await ground.seeds().get(adas)).toMatchObject({ status: 'alive', aside: [] });
  expect(await ground.storedToken(adas)).toBe('token-1');
});
