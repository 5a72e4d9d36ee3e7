import { createKeyring } from '@seedbed/blob-store';
import { joinHostPath, readText } from '@seedbed/host';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ada, type Ground, homeOf, LEASE_MS, loginIn, openGround } from '../test/ground.ts';
import { credentialFile } from './seed-manifest.ts';
import { testCredential, testManifest } from './testing/index.ts';

let ground: Ground;
beforeEach(() => {
  ground = openGround();
});
afterEach(() => ground[Symbol.asyncDispose]());

const HOME = homeOf('setup');
const keyring = (fill: number, name = 'first') =>
  createKeyring({ current: name, keys: { [name]: new Uint8Array(32).fill(fill) } });

describe('a capture', () => {
  test.each([
    ['there is no file', undefined, 'not-logged-in'],
    ['nobody is logged in', '{"account":"ada"}', 'not-logged-in'],
    ['the file is half written', '{"account":"ad', 'unreadable'],
    ['the file is no login', 'x'.repeat(2_000_000), 'too-large'],
  ])('is refused where %s', async (_, text, code) => {
    if (text !== undefined) await ground.write(HOME, text);
    await expect(ground.seeds().capture({ host: ground.host, home: HOME })).rejects.toMatchObject({ code });
    expect(await ground.seeds().list()).toEqual([]);
  });

  test('is refused for a login that a seed has, or had before it rotated', async () => {
    const seedId = await ground.captured();
    await ground.write(HOME, ada);
    const again = () => ground.seeds().capture({ host: ground.host, home: HOME });
    await expect(again()).rejects.toMatchObject({ code: 'already-captured' });
    {
      await using lease = await ground.seeds().acquire({ seedId }, 'task');
      await lease.plant({ host: ground.host, home: homeOf('task') });
      await ground.write(homeOf('task'), { ...ada, token: 'token-2', at: 2 });
    }
    await expect(again()).rejects.toMatchObject({ code: 'already-captured' });
  });

  test('is refused for a login that a seed keeps aside', async () => {
    const seedId = await ground.captured();
    const write = async (token: string, holder: string): Promise<unknown> => {
      await using lease = await ground.seeds().acquire({ seedId }, holder);
      return await lease.writeBack(testCredential({ account: 'ada', token, at: 2, way: 'key' }));
    };
    // A key does not come out of a login: nobody knows what it is.
    expect(await write('of-nobody', 'task')).toMatchObject({ outcome: 'kept-aside', reason: 'doubtful' });
    await ground.write(HOME, { account: 'ada', token: 'of-nobody', at: 2, way: 'key' });
    await expect(ground.seeds().capture({ host: ground.host, home: HOME })).rejects.toMatchObject({
      code: 'already-captured',
      message: expect.stringContaining('aside'),
    });
  });

  test('makes one seed of a login, of however many who capture it at the same moment', async () => {
    await ground.write(HOME, ada);
    const capture = () => ground.seeds().capture({ host: ground.host, home: HOME });
    const results = await Promise.allSettled([capture(), capture(), capture()]);
    const refused = results.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []));
    expect(refused).toEqual(['already-captured', 'already-captured']);
    expect(await ground.seeds().list()).toHaveLength(1);
  });

  test('keeps files and modes, and lets a companion be rewritten or left out', async () => {
    await ground.write(HOME, ada);
    const settings = '.agent/settings.toml';
    await ground.host.writeFile(joinHostPath(HOME, settings), 'a = 1\n', { mode: 0o644 });
    const seedId = await ground.seeds().capture({ host: ground.host, home: HOME });
    const plantIn = async (
      task: string,
      rewrite?: (path: string, bytes: Uint8Array) => Uint8Array | undefined,
    ) => {
      const home = homeOf(task);
      await using lease = await ground.seeds().acquire({ seedId }, task);
      await lease.plant({ host: ground.host, home, ...(rewrite === undefined ? {} : { rewrite }) });
      const companion = joinHostPath(home, settings);
      return (await ground.host.stat(companion)) === undefined
        ? undefined
        : await readText(ground.host, companion);
    };
    expect(await plantIn('same')).toBe('a = 1\n');
    expect(await plantIn('changed', (_, bytes) => Buffer.concat([bytes, Buffer.from('b = 2\n')]))).toBe(
      'a = 1\nb = 2\n',
    );
    expect(await plantIn('left-out', () => undefined)).toBeUndefined();
    expect((await ground.host.stat(loginIn(homeOf('same'))))?.mode).toBe(0o600);
  });
});

describe('what is stored', () => {
  async function everythingStored(): Promise<string> {
    const { seeds } = await ground.store.list();
    const stored = await Promise.all(seeds.map(({ facts }) => ground.store.get(facts.id)));
    return JSON.stringify(
      stored.map((one) => [one?.facts, Buffer.from(one?.content ?? []).toString('latin1')]),
    );
  }

  test('is sealed where there is a keyring, the account’s name and address too', async () => {
    const summary = { name: 'Ada Example', email: 'ada@example.org', plan: 'pro' };
    await ground.write(HOME, { ...ada, summary: { ...summary, ...{ secret: 'claim' } } });
    const seeds = ground.seeds({ sealing: keyring(1) });
    const seedId = await seeds.capture({ host: ground.host, home: HOME, pool: 'team' });
    await seeds.recordQuota(seedId, { takenMs: 1, windows: [{ label: 'a window', usedPercent: 5 }] });
    const stored = await everythingStored();
    for (const secret of ['token-1', 'Ada', 'example.org', 'claim', 'a window'])
      expect(stored).not.toContain(secret);
    expect((await seeds.get(seedId)).account).toEqual(summary);
  });

  test('cannot be used without its key, and that says so; with it and a newer one it can', async () => {
    await ground.write(HOME, ada);
    const seedId = await ground.seeds({ sealing: keyring(1) }).capture({ host: ground.host, home: HOME });
    await expect(ground.seeds({ sealing: keyring(2) }).acquire({ seedId }, 'task')).rejects.toMatchObject({
      refusals: [{ reason: 'unreadable' }],
    });
    const both = createKeyring({
      current: 'second',
      keys: { first: new Uint8Array(32).fill(1), second: new Uint8Array(32).fill(2) },
    });
    await ground.clock.advance(LEASE_MS);
    await using lease = await ground.seeds({ sealing: both }).acquire({ seedId }, 'task');
    await lease.plant({ host: ground.host, home: homeOf('task') });
    expect(await ground.read(homeOf('task'))).toMatchObject({ token: 'token-1' });
  });

  test('is nobody else’s: sealed content of one seed does not open as another’s', async () => {
    const seeds = ground.seeds({ sealing: keyring(1) });
    await ground.write(HOME, ada);
    const one = await seeds.capture({ host: ground.host, home: HOME });
    await ground.write(HOME, { account: 'bob', token: 'of-bob', at: 1 });
    const other = await seeds.capture({ host: ground.host, home: HOME });
    const [first, second] = [await ground.store.get(one), await ground.store.get(other)];
    if (first === undefined || second === undefined) throw new Error('a seed is gone');
    await ground.store.update(second, { facts: second.facts, content: first.content });
    await expect(seeds.acquire({ seedId: other }, 'task')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a manifest', () => {
  test.each([
    ['without a credential', { files: [] }],
    ['with two', { files: [...testManifest.files, { path: 'b', mode: 0o600, role: 'credential' as const }] }],
    [
      'with a path that leaves the home',
      { files: [{ path: '../x', mode: 0o600, role: 'credential' as const }] },
    ],
    ['with an absolute path', { files: [{ path: '/etc/x', mode: 0o600, role: 'credential' as const }] }],
    ['with a name that is not exact', { files: [{ path: './x', mode: 0o600, role: 'credential' as const }] }],
    [
      'whose credential others could read',
      { files: [{ path: 'x', mode: 0o644, role: 'credential' as const }] },
    ],
  ])('is refused %s', (_, manifest) => {
    expect(() => credentialFile(manifest)).toThrow(expect.objectContaining({ code: 'invalid-config' }));
  });

  test('is taken in the form .agent/login.json', () => {
    expect(credentialFile(testManifest).path).toBe('.agent/login.json');
  });
});
