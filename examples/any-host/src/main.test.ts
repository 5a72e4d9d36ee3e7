import { execFile } from 'node:child_process';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findSshd, openSshd } from '@seedbed/host/testing';
import { describe, expect, it } from 'vitest';

async function outputOf(program: string, args: readonly string[], home?: string): Promise<string> {
  const env = { ...process.env, ...(home && { HOME: home }) };
  const file = join(import.meta.dirname, program);
  return (await promisify(execFile)(process.execPath, [file, ...args], { env })).stdout;
}

it('writes a file on this machine, and counts what is in it', async () => {
  expect(await outputOf('main.ts', [])).toMatch(/^exited: 6 \S*greeting-\d+\.txt\nhello\n$/);
});

describe('through SSH', () => {
  it('runs a command there, as a user with a key, on a host that is known or named by ~/.ssh/config', async (context) => {
    context.skip(findSshd() === undefined && process.env['CI'] === undefined, 'there is no sshd');
    await using sshd = await openSshd();
    await using home = await mkdtempDisposable(join(tmpdir(), 'any-host-'));
    const folder = join(home.path, '.ssh');
    const { host, port, user } = sshd;
    await mkdir(folder, { mode: 0o700 });
    await writeFile(join(folder, 'id_ed25519'), sshd.privateKey, { mode: 0o600 });
    await writeFile(join(folder, 'known_hosts'), `[${host}]:${port} ${sshd.publicKey}\n`);
    const config = `Host build-7\n  HostName ${host}\n  Port ${port}\n  User ${user}\n  IdentityAgent none\n`;
    await writeFile(join(folder, 'config'), config, { mode: 0o600 });
    const label = `${user}@${host}:${port}`;
    const answer = await outputOf('over-ssh.ts', [host, user, String(port)], home.path);
    expect(answer).toMatch(new RegExp(`^${label} is Linux \\S+\n$`));
    const named = await outputOf('from-ssh-config.ts', ['build-7'], home.path);
    expect(named.startsWith(`${label}: /`)).toBe(true);
  });
});
