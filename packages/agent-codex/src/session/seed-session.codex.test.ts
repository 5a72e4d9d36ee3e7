import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createLocalHost } from '@seedbed/host/local';
import { processesWithEnvironment } from '@seedbed/host/testing';
import { SeedError, type SeedId, type SeedStore } from '@seedbed/seeds';
import { beforeAll, describe, expect, test } from 'vitest';
import { codexBinary, downloadTimeout, supportedVersions } from '../../test/codex-binaries.ts';
import { killIfThere } from '../../test/kill-if-there.ts';
import { openHost } from '../../test/seed-child.ts';
import type { SeedDrawer } from '../../test/seed-drawer.ts';
import { openSeedGround, type SeedGround } from '../../test/seed-ground.ts';
import { openSnapshotStore } from '../../test/snapshot-store.ts';
import { refreshCodexLogin } from '../login/refresh-codex-login.ts';

beforeAll(() => Promise.all(supportedVersions.map(codexBinary)), downloadTimeout);

const version = '0.169.0';
/** Several sessions of the real Codex, each with its probes. */
const timeout = 120_000;

const anyOf = ({ seeds }: SeedDrawer) => ({ from: seeds, use: { pool: 'team' }, waitMs: 30_000 });

const snapshotsBelow = async ({ folder }: SeedGround) =>
  await openSnapshotStore({ kind: 'embedded', folder: join(folder, 'snapshots') });

async function codexPids({ mark }: SeedGround): Promise<readonly number[]> {
  await using here = createLocalHost();
  const processes = await processesWithEnvironment(here, mark);
  return processes.filter(({ argv }) => argv.join(' ').includes('app-server')).map(({ pid }) => pid);
}

async function leaseOf({ seeds }: SeedDrawer, seedId: SeedId): Promise<unknown> {
  return (await seeds.get(seedId)).lease;
}

describe('a task that goes on under its seed', () => {
  test.each(supportedVersions)(
    "with Codex %s has the seed's token, not an older one of its folder",
    { timeout },
    async (each) => {
      await using ground = await openSeedGround({ version: each });
      const { oauth } = ground;
      await using drawer = await ground.drawer();
      await using store = await snapshotsBelow(ground);
      const snapshots = { store: store.snapshots };
      const seedId = await ground.setUp(drawer);
      const first = await ground.session({ seed: anyOf(drawer), snapshots });
      await first.conversation.run('Are you there?');
      const old = await readFile(ground.authJson('work'), 'utf8');
      await first.end();
      const { entries } = await store.snapshots.show({ task: 'task-1' });
      expect(entries.map(({ path }) => path).filter((path) => path.includes('auth.json'))).toEqual([]);

      // Meanwhile it rotates elsewhere, and the folder has the old one, as a program that was killed leaves it.
      {
        await using other = await ground.session({ name: 'other', task: 'task-2', seed: anyOf(drawer) });
        await oauth.expireAccess('account-1');
        await other.conversation.run('Are you there?');
      }
      await writeFile(ground.authJson('work'), old, { mode: 0o600 });

      await using again = await ground.session({ seed: anyOf(drawer), snapshots });
      expect(again.resumed).toMatchObject({ workdir: 'kept', thread: 'resumed' });
      const { lease, lineage } = await drawer.seeds.get(seedId);
      expect(lease?.holder).toContain('task-1');
      expect(await ground.generationIn('work')).toBe(lineage.at(-1)?.generation);
      expect((await again.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
      expect((await oauth.audit()).spentTwice).toEqual([]);
    },
  );

  test('takes over a successor that only its folder has', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    const { oauth } = ground;
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const first = await ground.session({ seed: anyOf(drawer) });
    const planted = await readFile(ground.authJson('work'), 'utf8');
    await first.end();
    const rotated = await refreshCodexLogin(planted, { tokenUrl: oauth.tokenUrl });
    if (rotated.outcome !== 'refreshed') throw new Error(`It is ${rotated.outcome}.`);
    await writeFile(ground.authJson('work'), rotated.authJson, { mode: 0o600 });

    await using again = await ground.session({ seed: anyOf(drawer) });
    expect((await again.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    const { aside, lineage } = await drawer.seeds.get(seedId);
    expect([aside, lineage.map(({ how }) => how)]).toEqual([[], ['captured', 'rotated']]);
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('comes back from its snapshot on an empty place with the login of its seed', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    await using store = await snapshotsBelow(ground);
    const snapshots = { store: store.snapshots };
    await ground.setUp(drawer);
    const first = await ground.session({ seed: anyOf(drawer), snapshots });
    await first.conversation.run('Are you there?');
    await first.end();
    await using again = await ground.session({ name: 'elsewhere', seed: anyOf(drawer), snapshots });
    expect(again.resumed).toMatchObject({ workdir: 'restored', thread: 'resumed' });
    expect((await again.conversation.run('And now?')).outcome).toEqual({ status: 'completed' });
  });
});

describe('a session', () => {
  test('ends by itself, as failed, when its login is no longer its own, and Codex with it', {
    timeout,
  }, async () => {
    await using ground = await openSeedGround({ version });
    let store: SeedStore | undefined;
    await using drawer = await ground.drawer({ leaseMs: 8_000, wrap: (each) => (store = each) });
    const seedId = await ground.setUp(drawer);
    const session = await ground.session({ seed: anyOf(drawer) });
    // What Codex starts looks like Codex until it has become something else.
    await expect.poll(() => codexPids(ground)).toHaveLength(1);
    // The session notes what its login has left about now: what has changed meanwhile is read again.
    for (let isTaken = false; !isTaken; ) {
      const stored = await store?.get(seedId);
      if (store === undefined || stored === undefined) throw new Error('The seed is gone.');
      const lease = {
        holder: 'somebody else',
        fence: stored.facts.fence + 1,
        expiresMs: stored.nowMs + 60_000,
      };
      isTaken = await store.update(stored, { facts: { ...stored.facts, lease, fence: lease.fence } });
    }
    expect(await session.ended).toMatchObject({
      ...{ state: 'failed', failures: [], cause: expect.objectContaining({ code: 'lease-lost' }) },
    });
    expect(await codexPids(ground)).toEqual([]);
    expect(await leaseOf(drawer, seedId)).toMatchObject({ holder: 'somebody else' });
  });

  test('says that Codex was lost, and frees its login', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const session = await ground.session({ seed: anyOf(drawer) });
    for (const pid of await codexPids(ground)) killIfThere(pid);
    expect(await session.ended).toMatchObject({
      ...{ state: 'failed', failures: [], cause: expect.objectContaining({ code: 'agent-lost' }) },
    });
    expect(await leaseOf(drawer, seedId)).toBeUndefined();
  });

  test('may get its lease from a function of the caller', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const asked: string[] = [];
    await using session = await ground.session({
      async seed({ task, signal }) {
        asked.push(task);
        return await drawer.seeds.acquire({ seedId }, task, signal === undefined ? {} : { signal });
      },
    });
    expect(asked).toEqual(['task-1']);
    expect((await session.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    await session.end();
    expect(await leaseOf(drawer, seedId)).toBeUndefined();
  });

  test('notes in its seed what the login has left', { timeout }, async () => {
    const accounts = [{ id: 'account-1', usedPercent: { primary: 42, secondary: 7 } }];
    await using ground = await openSeedGround({ version, accounts });
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    await using session = await ground.session({ seed: anyOf(drawer) });
    await expect
      .poll(async () => (await drawer.seeds.get(seedId)).quota?.windows, { timeout: 20_000 })
      .toMatchObject([
        { label: '5 h', usedPercent: 42 },
        { label: 'weekly', usedPercent: 7 },
      ]);
    expect((await session.end()).failures).toEqual([]);
  });
});

describe('a session that does not begin', () => {
  test('takes no login when it is given two', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    await ground.setUp(drawer);
    const both = ground.session({ seed: anyOf(drawer), login: { type: 'api-key', apiKey: 'sk-of-a-test' } });
    await expect(both).rejects.toMatchObject({
      code: 'invalid-config',
      message: 'seed contradicts login: say one of them.',
    });
    expect((await drawer.seeds.list())[0]?.lastLeasedMs).toBeUndefined();
  });

  test('frees its login, and leaves none of it on the host', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const failing = ground.session({ seed: anyOf(drawer), binary: { path: '/nowhere/bin/codex' } });
    await expect(failing).rejects.toMatchObject({ name: expect.stringContaining('Error') });
    expect(existsSync(ground.authJson('work'))).toBe(false);
    expect(await leaseOf(drawer, seedId)).toBeUndefined();
    expect(await drawer.seeds.get(seedId)).toMatchObject({ status: 'alive' });
  });

  test('puts no login where a link leads to', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    const seedId = await ground.setUp(drawer);
    const elsewhere = join(ground.folder, 'elsewhere');
    await mkdir(elsewhere);
    await mkdir(join(ground.folder, 'work'));
    await symlink(elsewhere, join(ground.folder, 'work/home'));
    const failing = ground.session({ seed: anyOf(drawer) });
    await expect(failing).rejects.toMatchObject({
      code: 'launch-failed',
      message: expect.stringContaining(elsewhere),
    });
    expect(await readdir(elsewhere)).toEqual([]);
    expect(await leaseOf(drawer, seedId)).toBeUndefined();
  });
});

describe('the end of a session', () => {
  test('ends a Codex that does not want to, saves its login, and then the task', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    await using store = await snapshotsBelow(ground);
    const seedId = await ground.setUp(drawer);
    const session = await ground.session({
      ...{ seed: anyOf(drawer), snapshots: { store: store.snapshots }, deadlines: { endMs: 300 } },
    });
    await ground.oauth.expireAccess('account-1');
    await session.conversation.run('Are you there?');
    for (const pid of await codexPids(ground)) killIfThere(pid, 'SIGSTOP');
    const end = await session.end();
    expect(end).toMatchObject({ exit: { kind: 'signaled', name: 'SIGKILL' }, failures: [] });
    expect(end.snapshot).toBeDefined();
    expect((await drawer.seeds.get(seedId)).lineage).toHaveLength(2);
    expect(await codexPids(ground)).toEqual([]);
  });

  test('keeps what its store cannot take, and saves the task all the same', { timeout }, async () => {
    await using ground = await openSeedGround({ version });
    const { oauth } = ground;
    let isAway = false;
    const refuseAway = (): void => {
      if (isAway) throw new SeedError('store-unavailable', 'The store is away.');
    };
    const wrap = (store: SeedStore): SeedStore => ({
      ...store,
      async get(id) {
        refuseAway();
        return await store.get(id);
      },
      async update(read, change) {
        refuseAway();
        return await store.update(read, change);
      },
    });
    let rotated: string | undefined;
    {
      // Nobody renews it from here on, and it must not be lost before the end: that tells the next one that it is over.
      await using drawer = await ground.drawer({ leaseMs: 120_000, wrap });
      await using store = await snapshotsBelow(ground);
      await ground.setUp(drawer);
      const session = await ground.session({ seed: anyOf(drawer), snapshots: { store: store.snapshots } });
      isAway = true;
      await oauth.expireAccess('account-1');
      await session.conversation.run('Are you there?');
      rotated = await ground.generationIn('work');
      const end = await session.end();
      expect(end.failures).toEqual([]);
      expect(end.snapshot).toBeDefined();
      expect(drawer.events.map(({ type }) => type)).toContain('journaled');
    }
    isAway = false;
    await using drawer = await ground.drawer();
    await using next = await ground.session({ name: 'next', seed: { ...anyOf(drawer), waitMs: 60_000 } });
    expect(await ground.generationIn('next')).toBe(rotated);
    expect((await next.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });

  test('is a value, also when the function fails that is told of the last snapshot', {
    timeout,
  }, async () => {
    await using ground = await openSeedGround({ version });
    await using drawer = await ground.drawer();
    await using store = await snapshotsBelow(ground);
    const seedId = await ground.setUp(drawer);
    const onSaved = (): never => {
      throw new Error('The disk of the log is full.');
    };
    const snapshots = { store: store.snapshots, afterTurns: false, onSaved };
    const session = await ground.session({ seed: anyOf(drawer), snapshots });
    const end = await session.end();
    expect(end).toMatchObject({ failures: [], snapshot: {} });
    expect(await session.ended).toBe(end);
    expect(await store.snapshots.list('task-1')).toHaveLength(1);
    expect(await leaseOf(drawer, seedId)).toBeUndefined();
  });

  test('does every step when the host is gone, and says what of it failed', { timeout }, async () => {
    await using ground = await openSeedGround({ version, where: 'through SSH' });
    const { oauth } = ground;
    let rotated: string | undefined;
    {
      const host = await openHost(ground.ssh);
      await using drawer = await ground.drawer({ host });
      await using store = await snapshotsBelow(ground);
      await ground.setUp(drawer);
      const session = await ground.session({
        host,
        seed: anyOf(drawer),
        snapshots: { store: store.snapshots },
      });
      await oauth.expireAccess('account-1');
      await session.conversation.run('Are you there?');
      rotated = await ground.generationIn('work');
      await host[Symbol.asyncDispose]();
      const { failures, snapshot, state } = await session.ended;
      expect(state).toBe('failed');
      expect(snapshot).toBeUndefined();
      expect(failures.map(({ step }) => step)).toEqual(['save-back', 'snapshot']);
    }
    await using drawer = await ground.drawer();
    await using next = await ground.session({ name: 'next', task: 'task-2', seed: anyOf(drawer) });
    expect(await ground.generationIn('next')).toBe(rotated);
    expect((await next.conversation.run('Are you there?')).outcome).toEqual({ status: 'completed' });
    expect((await oauth.audit()).spentTwice).toEqual([]);
  });
});
