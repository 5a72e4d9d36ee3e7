import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { joinHostPath } from '../host-path.ts';
import { run } from '../run.ts';
import type { HostKeyTrust } from './index.ts';

const sshd = sshdForTests();
afterAll(() => sshd.close());
beforeEach((context) => sshd.skipWhereMissing(context));

const strangeKey = `AAAAC3NzaC1lZDI1NTE5AAAAI${'A'.repeat(43)}`;
const strangeFingerprint = `SHA256:${'A'.repeat(43)}`;

/** Opens and closes the host with a known_hosts file that holds these lines, `HOST` standing for its name. */
async function openKnowing(...lines: readonly string[]): Promise<void> {
  const { host, port } = await sshd.server();
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-known-'));
  const file = join(folder, 'known_hosts');
  try {
    await writeFile(file, lines.map((line) => line.replace('HOST', `[${host}]:${port}`)).join('\n'));
    await using _ = await sshd.openHost({ hostKey: { knownHosts: [join(folder, 'none'), file] } });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('trusting an SSH host', () => {
  it('connects to one whose key is known', async () => {
    const { publicKey } = await sshd.server();
    await openKnowing(`HOST ${publicKey}`);
  });

  it('refuses one that nothing is known of, and shows the fingerprint and the line that would accept it', async () => {
    const { fingerprint, publicKey } = await sshd.server();
    const opening = openKnowing('elsewhere.example ssh-ed25519 AAAA');
    await expect(opening).rejects.toMatchObject({ code: 'host-key-unknown' });
    await expect(opening).rejects.toThrow(fingerprint);
    await expect(opening).rejects.toThrow(publicKey);
  });

  it('refuses one that shows another key than before, or a revoked one', async () => {
    const { fingerprint, publicKey } = await sshd.server();
    const opening = openKnowing(`HOST ssh-ed25519 ${strangeKey}`);
    await expect(opening).rejects.toMatchObject({ code: 'host-key-changed' });
    await expect(opening).rejects.toThrow(fingerprint);
    const revoked = openKnowing(`HOST ${publicKey}`, `@revoked * ${publicKey}`);
    await expect(revoked).rejects.toMatchObject({ code: 'host-key-changed' });
  });

  it('refuses by name one that only an authority vouches for', async () => {
    const opening = openKnowing(`@cert-authority * ssh-ed25519 ${strangeKey}`);
    await expect(opening).rejects.toThrow('@cert-authority');
  });

  it.each<readonly [string, HostKeyTrust]>([
    ['host-key-changed', { fingerprint: strangeFingerprint }],
    ['invalid-config', { fingerprint: 'MD5:00:11' }],
  ])('answers with %s to a fingerprint that is not the one', async (code, hostKey) => {
    await expect(sshd.openHost({ hostKey })).rejects.toMatchObject({ code });
  });
});

describe('an SSH connection', () => {
  it('is refused to a user who cannot prove who they are', async () => {
    const opening = sshd.openHost({ auth: { password: 'wrong' } });
    await expect(opening).rejects.toMatchObject({ code: 'permission-denied' });
    await expect(opening).rejects.not.toThrow('wrong');
  });

  it('is not made when its caller has lost interest', async () => {
    const opening = sshd.openHost({ signal: AbortSignal.abort() });
    await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  });

  it('waits for a place where the host allows few sessions, and not for ever', async () => {
    await using host = await sshd.openHost({ maxConnections: 1, waitMs: 20_000 });
    const starts = await Promise.allSettled(Array.from({ length: 10 }, () => host.spawn({ argv: ['cat'] })));
    const processes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason] : []));
    // The host's ten are for the file operations and for the guard as well.
    expect(processes.length).toBeGreaterThan(7);
    expect(refusals[0]).toMatchObject({ code: 'timeout' });
    await Promise.all(processes.map((process) => process.stdin.close()));
    await Promise.all(processes.map((process) => process.closed));
    expect((await run(host, { argv: ['echo', 'free'] })).stdout).toBe('free\n');
  });

  it('gives places back that readers left early, and reports the exit of a process whose output nobody wants', async () => {
    await using host = await sshd.openHost({ maxConnections: 1 });
    const file = joinHostPath(host.tmp, `seedbed-${randomUUID()}`);
    await host.writeFile(file, new Uint8Array(5_000_000));
    try {
      for (let round = 0; round < 15; round += 1) {
        const reader = (await host.readFile(file)).getReader();
        await reader.read();
        await reader.cancel();
      }
      const process = await host.spawn({ argv: ['sh', '-c', 'echo one; read line; echo two; exit 4'] });
      await process.stdout.cancel();
      await process.stdin.close();
      expect(await process.exit).toEqual({ kind: 'exited', code: 4 });
    } finally {
      await host.remove(file);
    }
  });

  it('ends an operation that hangs, and does the next', async () => {
    await using host = await sshd.openHost({ operationTimeoutMs: 10_000 });
    // The shell for file operations is the only one without arguments among the children of this connection's server.
    const find =
      'for p in /proc/[0-9]*; do [ "$(tr "\\0" " " <"$p/cmdline")" = "/bin/sh " ] && cat "$p/stat"; done; echo $PPID';
    const lines = (await run(host, { argv: ['sh', '-c', find] })).stdout.trim().split('\n');
    const server = lines.pop();
    const [shell] = lines.map((line) => line.split(' ')).filter(([, , , parent]) => parent === server);
    process.kill(Number(shell?.[0]), 'SIGSTOP');
    const hung = host.stat(host.home);
    const behind = host.stat(host.home);
    await expect(hung).rejects.toMatchObject({ code: 'timeout' });
    expect((await behind)?.kind).toBe('directory');
  });
});
