import { randomUUID } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { whenGuarded } from '../../../test/guards.ts';
import { LOGIN_MS, PLACE_MS } from '../../../test/login-time.ts';
import { sshdForTests } from '../../../test/sshd-for-tests.ts';
import type { Host } from '../../host.ts';
import { HostError } from '../../host-error.ts';
import { joinHostPath } from '../../host-path.ts';
import { createLocalHost } from '../../local/index.ts';
import type { HostProcess } from '../../process.ts';
import { readText } from '../../read-text.ts';
import { run } from '../../run.ts';
import { openLinkProxy, openSshd, processesWithEnvironment, type TestSshd } from '../../testing/index.ts';
import { type LinkChange, openSshHost, type SshHostOptions } from '../index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

/** A process that would run for long, with a mark by which it is found. */
async function startMarked(host: Host): Promise<{ readonly process: HostProcess; readonly mark: string }> {
  const mark = `TEST_MARK=${randomUUID()}`;
  const [name, value] = mark.split('=') as [string, string];
  const process = await host.spawn({
    argv: ['sh', '-c', 'sleep 1000 & setsid sleep 1001 & echo started; exec sleep 1002'],
    env: { [name]: value },
  });
  await process.stdout.getReader().read();
  return { process, mark };
}

async function expectNothingLeft(mark: string): Promise<void> {
  const local = createLocalHost();
  await expect.poll(() => processesWithEnvironment(local, mark)).toEqual([]);
}

describe('a host whose connection broke', () => {
  it('is reached anew: what ran is lost, streams fail, and what is asked next works', async () => {
    const changes: LinkChange['state'][] = [];
    await using host = await sshd.openHost({ onLinkChange: ({ state }) => changes.push(state) });
    const process = await host.spawn({ argv: ['sh', '-c', 'echo before; exec cat'] });
    const reader = process.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe('before\n');
    const pending = reader.read();
    (await sshd.server()).dropConnections();
    expect(await process.exit).toMatchObject({ kind: 'lost', cause: { code: 'host-lost' } });
    await expect(pending).rejects.toMatchObject({ code: 'host-lost' });
    expect(await process.end()).toMatchObject({ kind: 'lost' });
    expect((await host.stat(host.home))?.kind).toBe('directory');
    expect((await run(host, { argv: ['echo', 'again'] })).stdout).toBe('again\n');
    expect(host.signal.aborted).toBe(false);
    expect(changes).toEqual(['interrupted', 'restored']);
  });

  it('does what was asked meanwhile when it is back', async () => {
    await using server = await openSshd();
    const broken = Promise.withResolvers<void>();
    await using host = await sshd.openHost({ ...addressOf(server), onLinkChange: () => broken.resolve() });
    server.refuseConnections();
    server.dropConnections();
    await broken.promise;
    const asked = Promise.all([host.stat(host.home), run(host, { argv: ['echo', 'late'] })]);
    const [change] = await Promise.all([asked, server.acceptConnections()]);
    expect(change[0]?.kind).toBe('directory');
    expect(change[1].stdout).toBe('late\n');
  });

  it('keeps places for commands, however many file operations have waited for it', async () => {
    const server = await sshd.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    const down = Promise.withResolvers<void>();
    await using host = await sshd.openHost({
      host: proxy.host,
      port: proxy.port,
      maxConnections: 1,
      onLinkChange: () => down.resolve(),
    });
    proxy.refuse();
    proxy.cut();
    await down.promise;
    const looks = Promise.all(Array.from({ length: 12 }, () => host.stat(host.home)));
    proxy.accept();
    for (const found of await looks) expect(found?.kind).toBe('directory');
    const cats = await Promise.all(Array.from({ length: 6 }, () => host.spawn({ argv: ['cat'] })));
    await Promise.all(cats.map((cat) => cat[Symbol.asyncDispose]()));
  }, 60_000);

  it('is not waited for longer than was agreed, and says that nothing was asked of it', async () => {
    await using server = await openSshd();
    await using host = await sshd.openHost({ ...addressOf(server), waitMs: 300 });
    server.refuseConnections();
    server.dropConnections();
    const asked = host.stat(host.home);
    await expect(asked).rejects.toMatchObject({ code: 'host-lost' });
    await expect(asked).rejects.toThrow('nothing was asked of it');
    expect(host.signal.aborted).toBe(false);
  });

  it.each<readonly [string, (server: TestSshd) => Promise<void>]>([
    ['permission-denied', async (server) => await writeFile(server.authorizedKeysFile, '')],
    ['host-key-changed', async (server) => await server.changeHostKey()],
  ])('is gone for good when it answers with %s', async (code, change) => {
    await using server = await openSshd();
    const changes: LinkChange['state'][] = [];
    await using host = await sshd.openHost({
      ...addressOf(server),
      onLinkChange: ({ state }) => changes.push(state),
    });
    const process = await host.spawn({ argv: ['cat'] });
    await change(server);
    server.dropConnections();
    await expect.poll(() => host.signal.aborted).toBe(true);
    expect(host.signal.reason).toMatchObject({ code });
    expect(await process.exit).toMatchObject({ kind: 'lost' });
    await expect(host.stat(host.home)).rejects.toMatchObject({ code });
    await expect(run(host, { argv: ['true'] })).rejects.toMatchObject({ code });
    expect(changes).toEqual(['interrupted', 'gone']);
  });

  it('is reached anew also where the key could not be read for a while', async () => {
    await using server = await openSshd();
    await using local = createLocalHost();
    const folder = joinHostPath(local.tmp, `seedbed-key-${randomUUID()}`);
    const [key, away] = [joinHostPath(folder, 'key'), joinHostPath(folder, 'away')];
    await local.makeDirectory(folder);
    try {
      await local.writeFile(key, server.privateKey, { mode: 0o600 });
      await using host = await sshd.openHost({ ...addressOf(server), auth: { privateKeyFile: key } });
      await local.rename(key, away);
      server.dropConnections();
      await sleep(1_000);
      expect(host.signal.aborted).toBe(false);
      await local.rename(away, key);
      expect((await host.stat(host.home))?.kind).toBe('directory');
    } finally {
      await local.remove(folder, { recursive: true });
    }
  }, 60_000);

  it('is given up after the time that was agreed', async () => {
    await using server = await openSshd();
    await using host = await sshd.openHost({ ...addressOf(server), reconnectForMs: 500 });
    server.refuseConnections();
    server.dropConnections();
    await expect.poll(() => host.signal.aborted).toBe(true);
    expect(host.signal.reason).toMatchObject({ code: 'host-lost' });
  });

  it('watches on, and tells of a change: what happened meanwhile was not seen', async () => {
    await using host = await sshd.openHost();
    const stop = new AbortController();
    const watching = host.watch(host.home, { signal: stop.signal })[Symbol.asyncIterator]();
    await watching.next();
    const next = watching.next();
    (await sshd.server()).dropConnections();
    expect((await next).done).toBe(false);
    const last = watching.next();
    stop.abort();
    expect((await last).done).toBe(true);
  });
});

describe('an operation that the break caught', () => {
  it('is repeated when that is safe, and else says that nobody knows whether it was done', async () => {
    const server = await sshd.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await sshd.openHost({ host: proxy.host, port: proxy.port });
    const folder = joinHostPath(host.tmp, `seedbed-${randomUUID()}`);
    await host.makeDirectory(folder);
    try {
      await host.writeFile(joinHostPath(folder, 'a'), 'text');
      proxy.stall();
      const stat = host.stat(folder);
      const rename = host.rename(joinHostPath(folder, 'a'), joinHostPath(folder, 'b'));
      rename.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 100));
      proxy.cut();
      proxy.resume();
      expect((await stat)?.kind).toBe('directory');
      await expect(rename).rejects.toMatchObject({ code: 'host-lost' });
      await expect(rename).rejects.toThrow('Could not learn whether this was done: rename');
      expect(await readText(host, joinHostPath(folder, 'a')).catch(codeOf)).toBe('text');
    } finally {
      await host.remove(folder, { recursive: true });
    }
  });
});

describe('what a broken connection leaves on the host', () => {
  it('is ended when the host is reached again', async () => {
    const server = await sshd.server();
    await using proxy = await openLinkProxy({ host: server.host, port: server.port });
    await using host = await sshd.openHost({ host: proxy.host, port: proxy.port });
    const { process, mark } = await startMarked(host);
    proxy.cut();
    expect(await process.exit).toMatchObject({ kind: 'lost' });
    await expectNothingLeft(mark);
  });

  it('is ended by the host itself when nobody comes back', async () => {
    await using server = await openSshd();
    await using host = await sshd.openHost({ ...addressOf(server) });
    const { mark } = await startMarked(host);
    await whenGuarded(host);
    server.refuseConnections();
    server.dropConnections();
    await expectNothingLeft(mark);
  });

  it('is ended by the host itself also when somebody has killed what looks after it', async () => {
    await using server = await openSshd();
    await using host = await sshd.openHost({ ...addressOf(server) });
    const { mark } = await startMarked(host);
    const first = await whenGuarded(host);
    globalThis.process.kill(first, 'SIGKILL');
    expect(await whenGuarded(host)).not.toBe(first);
    server.refuseConnections();
    server.dropConnections();
    await expectNothingLeft(mark);
  }, 60_000);

  it('is nothing that was left behind on purpose', async () => {
    await using local = createLocalHost();
    const mark = `TEST_MARK=${randomUUID()}`;
    const [name, value] = mark.split('=') as [string, string];
    {
      await using host = await sshd.openHost();
      const daemon = 'sleep 1000 </dev/null >/dev/null 2>&1 & echo $!';
      await run(host, { argv: ['sh', '-c', daemon], env: { [name]: value } });
      await whenGuarded(host);
      (await sshd.server()).dropConnections();
      await host.stat(host.home);
    }
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const left = await processesWithEnvironment(local, mark);
    for (const { pid } of left) globalThis.process.kill(pid, 'SIGKILL');
    expect(left).toMatchObject([{ argv: ['sleep', '1000'] }]);
  });
});

describe('connections', () => {
  it('are opened for more commands than one holds, and closed when they are idle', async () => {
    const server = await sshd.server();
    await using host = await openSshHost({
      ...addressOf(server),
      idleMs: 100,
    });
    const processes = await Promise.all(Array.from({ length: 40 }, () => host.spawn({ argv: ['cat'] })));
    expect(server.connections).toBeGreaterThan(3);
    await Promise.all(processes.map((process) => process.stdin.close()));
    for (const process of processes) expect(await process.closed).toEqual({ kind: 'exited', code: 0 });
    await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
    await expect.poll(() => server.connections).toBe(1);
    expect((await run(host, { argv: ['echo', 'one'] })).stdout).toBe('one\n');
  });

  describe('of which the host refuses a further one, as the key was revoked', () => {
    const manyCats = async (host: Host, count: number): Promise<PromiseSettledResult<HostProcess>[]> =>
      await Promise.allSettled(Array.from({ length: count }, () => host.spawn({ argv: ['cat'] })));

    /** Who waits is told after two seconds, in which a busy machine may not have ended the process whose place comes free. */
    const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
      for (let tries = 1; ; tries += 1) {
        try {
          return await work();
        } catch (failure) {
          if (codeOf(failure) !== 'permission-denied' || tries === 10) throw failure;
        }
      }
    };

    it('let nobody wait who would need one, and say what was refused', async () => {
      await using server = await openSshd();
      await using host = await openSshHost({ ...addressOf(server), waitMs: 600_000 });
      await writeFile(server.authorizedKeysFile, '');
      const starts = await manyCats(host, 14);
      const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []));
      expect(refusals.length).toBeGreaterThan(3);
      for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'permission-denied' });
      expect(refusals[0].message).toMatch(/^A further connection to .* is refused.*did not let the user in/s);
      expect(refusals[0].message).not.toContain('maxConnections');
      expect((await host.stat(host.home))?.kind).toBe('directory');
    }, 60_000);

    it('give the places that come free to those who wait, and open more when the key is let in again', async () => {
      await using server = await openSshd();
      const keys = await readFile(server.authorizedKeysFile);
      await using host = await openSshHost({ ...addressOf(server), waitMs: 600_000 });
      await writeFile(server.authorizedKeysFile, '');
      const starts = await manyCats(host, 10);
      const cats = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
      expect(cats.length).toBeLessThan(10);
      for (const cat of cats) {
        const waiting = patiently(() => run(host, { argv: ['echo', 'my turn'] }));
        await cat.stdin.close();
        expect((await waiting).stdout).toBe('my turn\n');
        await patiently(() => host.spawn({ argv: ['cat'] }));
      }
      await writeFile(server.authorizedKeysFile, keys);
      await expect
        .poll(async () => (await manyCats(host, 5)).some(({ status }) => status === 'rejected'), {
          timeout: 30_000,
        })
        .toBe(false);
      expect(server.connections).toBeGreaterThan(1);
    }, 60_000);
  });

  it('are not idle while something is done with files over them', async () => {
    await using server = await openSshd();
    await using host = await openSshHost({ ...addressOf(server), idleMs: 50 });
    const old = joinHostPath(host.tmp, `seedbed-idle-${randomUUID()}`);
    const fresh = joinHostPath(host.tmp, `seedbed-idle-${randomUUID()}`);
    await host.writeFile(old, 'one');
    const cats = await Promise.all(Array.from({ length: 12 }, () => host.spawn({ argv: ['cat'] })));
    expect(server.connections).toBe(2);
    const stopped = await stopFileShells();
    try {
      const first = host.stat(host.home);
      // Then that shell is not waited for: another one is opened, where there is room.
      await sleep(500);
      expect((await host.stat(old))?.kind).toBe('file');
      stopped.push(...(await stopFileShells()));
      const renamed = host.rename(old, fresh);
      await Promise.all(cats.map((cat) => cat.stdin.close()));
      for (const cat of cats) await cat.closed;
      await sleep(500);
      expect(server.connections).toBe(2);
      for (const pid of stopped.splice(0)) process.kill(pid, 'SIGCONT');
      await Promise.all([first, renamed]);
    } finally {
      for (const pid of stopped) process.kill(pid, 'SIGCONT');
    }
    expect(await readText(host, fresh)).toBe('one');
    await host.remove(fresh);
    await Promise.all(cats.map((cat) => cat[Symbol.asyncDispose]()));
    await expect.poll(() => server.connections).toBe(1);
  });
});

/** The shells for file operations are the only ones without arguments that come from this process. Those that were stopped before are stopped again. */
async function stopFileShells(): Promise<number[]> {
  const parentOf = async (pid: number): Promise<number> => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  };
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command !== '/bin/sh\0') continue;
    let ancestor = Number(name);
    while (ancestor > 1 && ancestor !== process.pid) ancestor = await parentOf(ancestor);
    if (ancestor === process.pid) found.push(Number(name));
  }
  for (const pid of found) process.kill(pid, 'SIGSTOP');
  return found;
}

function addressOf(server: TestSshd): SshHostOptions {
  const { host, port, user, privateKey, fingerprint } = server;
  const times = { connectTimeoutMs: LOGIN_MS, waitMs: PLACE_MS };
  return { host, port, user, auth: { privateKey }, hostKey: { fingerprint }, ...times };
}

function codeOf(failure: unknown): string {
  return failure instanceof HostError ? failure.code : String(failure);
}
