import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, type HostPath, hostPath, joinHostPath, readText } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { openSshHost } from '@seedbed/host/ssh';
import { createMemoryHost, findSshd, openSshd } from '@seedbed/host/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loginIn } from '../test/ground.ts';
import type { SeedEvent } from './seed-event.ts';
import type { CredentialWatch, SeedLease } from './seed-lease.ts';
import { createSeeds, type Seeds } from './seeds.ts';
import {
  createMemorySeedStore,
  type TestCredential,
  testCredential,
  testCredentialKind,
  testManifest,
} from './testing/index.ts';

const first: TestCredential = { account: 'ada', token: 'token-1', at: 1 };

async function openOverSsh(): Promise<Host> {
  const server = await openSshd();
  const { host: address, port, user, privateKey, fingerprint } = server;
  const host = await openSshHost({
    host: address,
    port,
    user,
    auth: { privateKey },
    hostKey: { fingerprint },
  });
  return {
    ...host,
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const hosts: Readonly<Record<string, () => Host | Promise<Host>>> = {
  'this machine': () => createLocalHost(),
  'a host over SSH': openOverSsh,
};

describe.each(Object.entries(hosts))('on %s the watch of a credential', (name, openHost) => {
  let host: Host;
  let folder: string;
  let home: HostPath;
  let seeds: Seeds;
  let lease: SeedLease;
  let watch: CredentialWatch;
  let events: SeedEvent[];
  const waiting = new Set<() => void>();

  beforeEach(async (context) => {
    if (name.includes('SSH') && findSshd() === undefined) context.skip('there is no sshd');
    host = await openHost();
    folder = await mkdtemp(join(tmpdir(), 'seedbed-watch-'));
    home = hostPath(join(folder, 'home'));
    events = [];
    seeds = createSeeds({
      store: createMemorySeedStore(),
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: 'none',
      reach: () => host,
      onEvent(event) {
        events.push(event);
        for (const look of waiting) look();
      },
    });
    await write(first);
    const seedId = await seeds.capture({ host, home });
    await host.remove(home, { recursive: true });
    lease = await seeds.acquire({ seedId }, 'task');
    await lease.plant({ host, home });
    watch = lease.watch();
  });
  afterEach(async () => {
    await lease?.[Symbol.asyncDispose]();
    await seeds?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function write(credential: TestCredential | string): Promise<void> {
    const text = typeof credential === 'string' ? credential : testCredential(credential);
    await host.makeDirectory(joinHostPath(home, '.agent'));
    await host.writeFile(loginIn(home), text, { mode: 0o600 });
  }
  async function told(type: SeedEvent['type'], times = 1): Promise<void> {
    const enough = (): boolean => events.filter((event) => event.type === type).length >= times;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (enough()) resolve();
    };
    waiting.add(look);
    look();
    await promise;
    waiting.delete(look);
  }
  const generations = async (): Promise<number> => (await seeds.get(lease.seedId)).lineage.length;

  test('saves every rotation when it happens, without being asked', async () => {
    for (let number = 2; number <= 4; number += 1) {
      await write({ ...first, token: `token-${number}`, at: number });
      await told('saved', number - 1);
      expect(await generations()).toBe(number);
    }
  });

  test('leaves alone what is no credential of its seed, and saves what comes after', async () => {
    await write('{"account":"ada","tok');
    await told('ignored', 1);
    await write({ account: 'eve', token: 'of-eve', at: 9 });
    await told('ignored', 2);
    await write(JSON.stringify({ account: 'ada' }));
    await told('ignored', 3);
    expect(await generations()).toBe(1);
    await write({ ...first, token: 'token-2', at: 2 });
    await told('saved');
    expect(events.map((event) => (event.type === 'ignored' ? event.reason : event.type))).toEqual([
      'unreadable',
      'foreign-account',
      'logged-out',
      'saved',
    ]);
  });

  test('ends with a last save', async () => {
    await write({ ...first, token: 'token-2', at: 2 });
    await watch[Symbol.asyncDispose]();
    expect(await generations()).toBe(2);
  });

  test('goes on after the file was away', async () => {
    await host.remove(loginIn(home));
    await told('ignored');
    await write({ ...first, token: 'token-2', at: 2 });
    await told('saved');
    expect(await readText(host, loginIn(home))).toContain('token-2');
  });
});

describe('a watch', () => {
  test('that cannot read says so, and tries again', async () => {
    const host = createMemoryHost();
    const home = hostPath('/home/user/task');
    const failed = Promise.withResolvers<void>();
    const saved = Promise.withResolvers<void>();
    let failures = 2;
    const flaky = {
      ...host,
      label: 'flaky',
      readFile: (...args: Parameters<Host['readFile']>) => {
        if (failures > 0 && isWatched) {
          failures -= 1;
          return Promise.reject(new Error('the link broke'));
        }
        return host.readFile(...args);
      },
    };
    let isWatched = false;
    await using seeds = createSeeds({
      store: createMemorySeedStore(),
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: 'none',
      onEvent({ type }) {
        if (type === 'watch-failed') failed.resolve();
        if (type === 'saved') saved.resolve();
      },
    });
    await host.makeDirectory(joinHostPath(home, '.agent'));
    await host.writeFile(loginIn(home), testCredential(first));
    const seedId = await seeds.capture({ host, home });
    await using lease = await seeds.acquire({ seedId }, 'task');
    await lease.plant({ host: flaky, home });
    isWatched = true;
    await using _watch = lease.watch();
    await failed.promise;
    await host.writeFile(loginIn(home), testCredential({ ...first, token: 'token-2', at: 2 }));
    await saved.promise;
  });

  test('of what was not planted is a mistake that is told', async () => {
    const host = createMemoryHost();
    const home = hostPath('/home/user/task');
    await using seeds = createSeeds({
      store: createMemorySeedStore(),
      kind: testCredentialKind,
      manifest: testManifest,
      sealing: 'plaintext',
      journal: 'none',
    });
    await host.makeDirectory(joinHostPath(home, '.agent'));
    await host.writeFile(loginIn(home), testCredential(first));
    await using lease = await seeds.acquire({ seedId: await seeds.capture({ host, home }) }, 'task');
    expect(() => lease.watch()).toThrow(/not planted/);
  });
});
