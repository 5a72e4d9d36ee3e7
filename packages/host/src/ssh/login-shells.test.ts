import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sshdForTests } from '../../test/sshd-for-tests.ts';
import { type Host, joinHostPath, readText, run, walk } from '../index.ts';
import { findSshd } from '../testing/index.ts';
import type { SshHostOptions } from './index.ts';

/** What sshd would start for a user with this login shell. */
const shells: readonly (readonly [shell: string, needs: string, login: string])[] = [
  ['dash', 'dash', 'exec dash -c "$line"'],
  ['bash', 'bash', 'exec bash -c "$line"'],
  ["BusyBox's ash", 'busybox', 'exec busybox sh -c "$line"'],
  ['zsh', 'zsh', 'exec zsh -c "$line"'],
  ['tcsh', 'tcsh', 'exec tcsh -c "$line"'],
  ['fish', 'fish', 'exec fish -c "$line"'],
  ['a shell that greets', 'sh', 'printf "Welcome!\\nToken: \\0\\033[31m"; exec sh -c "$line"'],
  ['a shell that talks much', 'sh', 'yes "All work and no play" | head -c 200000; exec sh -c "$line"'],
];

/** What those that read a file at every start find there. */
const startFiles: Readonly<Record<string, string>> = {
  '.cshrc': 'echo "Welcome to csh"\nset noglob\n',
  '.zshenv': 'echo "Welcome to zsh"\nsetopt noclobber\n',
  '.config/fish/config.fish': 'echo "Welcome to fish"\n',
};

function isThere(program: string): boolean {
  return ['/bin', '/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, program)));
}

const sshdIsMissing = findSshd() === undefined && process.env['CI'] === undefined;

describe.skipIf(sshdIsMissing)('a user whose login shell is', () => {
  it.for(shells)('%s has a host like others', { timeout: 60_000 }, async ([, needs, login], context) => {
    context.skip(!isThere(needs), `there is no ${needs} (see .ci/run)`);
    await using user = await userWith(login);
    await using host = await user.open();
    await expectAllToWork(host);
  });

  it('none is told so', async () => {
    await using user = await userWith('echo "This account is currently not available."; exit 1');
    const opening = user.open();
    await expect(opening).rejects.toMatchObject({ code: 'unsupported' });
    await expect(opening).rejects.toThrow('currently not available');
  });

  it('one that never answers is not waited for without end', async () => {
    await using user = await userWith('exec cat >/dev/null');
    await expect(user.open({ operationTimeoutMs: 1_000 })).rejects.toMatchObject({ code: 'timeout' });
  });
});

async function expectAllToWork(host: Host): Promise<void> {
  const folder = joinHostPath(host.tmp, `seedbed-login-${crypto.randomUUID()}`);
  const name = 'it\'s $(x) `y` "z"\n!! \\ *';
  await host.makeDirectory(joinHostPath(folder, name), { mode: 0o700 });
  try {
    const path = joinHostPath(folder, name, name);
    await host.writeFile(path, 'x'.repeat(300_000));
    expect(await readText(host, path)).toHaveLength(300_000);
    expect((await host.stat(path))?.size).toBe(300_000);
    expect(await Array.fromAsync(walk(host, folder))).toHaveLength(2);
    const argv = ['printf', '%s\\0', '$HOME !! ~ * {a,b}', name] as const;
    const { stdout } = await run(host, { argv, cwd: joinHostPath(folder, name), env: { ODD: name } });
    expect(stdout).toBe(`$HOME !! ~ * {a,b}\0${name}\0`);
    const input = 'y'.repeat(300_000);
    const both = await run(
      host,
      { argv: ['sh', '-c', 'cat; echo "$ODD" >&2; exit 7'], env: { ODD: name } },
      { input },
    );
    expect(both).toMatchObject({ exit: { kind: 'exited', code: 7 }, stdout: input, stderr: `${name}\n` });
    if (process.getuid?.() === 0) {
      const shown = await host.spawn(
        { argv: ['sh', '-c', 'stty size; printf %s "$1"', 'sh', 'done'] },
        { pty: { columns: 91, rows: 17 } },
      );
      expect(await new Response(shown.stdout).text()).toBe('17 91\r\ndone');
    }
  } finally {
    await host.remove(folder, { recursive: true });
  }
}

interface User extends AsyncDisposable {
  open(options?: Partial<SshHostOptions>): Promise<Host>;
}

/** A user of a server that runs `login`, a shell script, where it would start the login shell; `$line` is what that would be told to do. */
async function userWith(login: string): Promise<User> {
  const folder = await mkdtemp(join(tmpdir(), 'seedbed-login-'));
  for (const [name, content] of Object.entries(startFiles)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const script = `#!/bin/sh\nline=$SSH_ORIGINAL_COMMAND HOME='${folder}'\nexport HOME\n${login}\n`;
  await writeFile(join(folder, 'login'), script, { mode: 0o755 });
  const sshd = sshdForTests({ config: [`ForceCommand exec ${join(folder, 'login')}`] });
  return {
    open: (options) => sshd.openHost(options),
    async [Symbol.asyncDispose]() {
      await sshd.close();
      await rm(folder, { recursive: true });
    },
  };
}
