import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, hostPath } from '@seedbed/host';
import { createLocalHost } from '@seedbed/host/local';
import { describe, expect, test } from 'vitest';
import { createTaskFolder, type TaskFolder } from '../test/task-folder.ts';
import { parseSandboxPolicy } from './parse-policy.ts';
import { type ProbeOptions, probeSandbox } from './probe-sandbox.ts';
import { resolveSandboxPolicy } from './resolve-policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';
import type { SandboxReport } from './sandbox-report.ts';

// What the real Codex does is tried in agent-codex. These stand in for one that does not do what it should.

/** Skips Codex's own arguments and runs the command as it is. */
const RUN_UNCONFINED = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"';

async function probe(
  task: TaskFolder,
  codex: string,
  options: Partial<ProbeOptions> & { settings?: unknown; host?: Host } = {},
) {
  const { settings = {}, host: given, ...rest } = options;
  await using host = given ?? createLocalHost();
  const resolved = await resolveSandboxPolicy(host, parseSandboxPolicy(settings), {
    codexVersion: '0.169.0',
    workdir: task.workdir,
    codexHome: task.codexHome,
  });
  const codexPath = await task.program('codex', codex);
  return await probeSandbox(host, resolved, { codexPath, ...rest });
}

async function failure(probing: Promise<SandboxReport>): Promise<SandboxPolicyError> {
  const error = await probing.then(
    () => new Error('the probe was passed'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof SandboxPolicyError) return error;
  throw error;
}

function observed({ report }: SandboxPolicyError): Record<string, string> {
  return Object.fromEntries((report?.checks ?? []).map((check) => [check.subject, check.observed]));
}

describe('a sandbox that lets everything through', () => {
  test('is caught in every check that should be denied', async () => {
    await using task = await createTaskFolder();
    const error = await failure(probe(task, RUN_UNCONFINED));
    expect(error.code).toBe('probe-failed');
    expect(error.report?.verdict).toBe('violated');
    expect(observed(error)).toEqual({
      command: 'allowed',
      'workdir-write': 'allowed',
      'outside-write': 'allowed',
      'protected-write': 'allowed',
      'folder-rename': 'allowed',
      'secret-read': 'allowed',
      network: 'allowed',
    });
  });

  test('is caught when it only claims that everything is refused', async () => {
    await using task = await createTaskFolder();
    const liar = `${RUN_UNCONFINED.replace('exec "$@"', '"$@" | sed "s/wrote/refused/; s/read .*/refused/"')}`;
    const error = await failure(probe(task, liar));
    expect(observed(error)).toMatchObject({ 'outside-write': 'allowed' });
  });

  test('is caught when it shows what the policy denies', async () => {
    await using task = await createTaskFolder();
    const secret = join(task.root, 'private');
    await mkdir(secret);
    const profile = {
      kind: 'managed',
      entries: [
        { access: 'read', path: '/' },
        { access: 'write', symbol: ':workdir' },
        { access: 'deny', path: secret },
      ],
    };
    expect(
      observed(await failure(probe(task, RUN_UNCONFINED, { settings: { profile } })))['denied-read'],
    ).toBe('allowed');
  });
});

test('the probe runs no start-up file of the user', async () => {
  await using task = await createTaskFolder();
  const home = hostPath(join(task.root, 'user'));
  await mkdir(home);
  for (const name of ['.bashrc', '.profile'])
    await writeFile(join(home, name), `: > '${task.root}/started-${name}'`);
  await failure(probe(task, RUN_UNCONFINED, { host: createLocalHost({ home }) }));
  expect((await task.paths()).filter((path) => path.startsWith('started'))).toEqual([]);
});

test('what is printed in the sandbox does not speak for what is looked at from outside', async () => {
  await using task = await createTaskFolder();
  const nonce = `nonce=$(for word; do case $word in *-*-*-*-*) printf %s "$word"; break ;; esac; done)`;
  const forged = [
    '"$nonce 1 wrote"',
    '"$nonce 0 done"',
    '"before $nonce 1 landed"',
    '"after $nonce 1 landed"',
  ];
  const liar = `while [ "$1" != try ]; do shift; done; ${nonce}; printf '%s\\n' ${forged.join(' ')}`;
  expect(observed(await failure(probe(task, liar)))).toMatchObject({
    command: 'allowed',
    'workdir-write': 'denied',
  });
});

test('a tool that is started outside of the sandbox runs nothing of the home of the task', async () => {
  await using task = await createTaskFolder();
  const tools = join(task.root, 'tools');
  await mkdir(tools);
  await symlink('/bin/mkdir', join(tools, 'mkdir'));
  const python = await task.program('tools/python3', `echo "$1" >> '${task.root}/python-was-told'`);
  expect(python).toContain(tools);
  await failure(probe(task, RUN_UNCONFINED, { host: createLocalHost({ env: { PATH: tools } }) }));
  expect(await readFile(join(task.root, 'python-was-told'), 'utf8')).toBe('-I\n-I\n');
});

describe('a sandbox that lets nothing through', () => {
  test('is caught because nothing lands where it should', async () => {
    await using task = await createTaskFolder();
    const pretender = 'for word; do last=$word; done; echo "$8 1 wrote"; echo nothing ran';
    const error = await failure(probe(task, pretender));
    expect(observed(error)).toEqual({ command: 'denied' });
    expect(error.message).toContain('nothing ran');
  });

  test.each([
    [
      'bubblewrap is unavailable: no system bwrap was found on PATH and no bundled',
      /install the package "bubblewrap"/,
    ],
    ['bwrap: No permissions to create new namespace, likely because', /user namespace.*external/s],
    [
      'bwrap: Creating new namespace failed: nesting depth or /proc/sys/user/max_*_namespaces exceeded (ENOSPC)',
      /max_user_namespaces/,
    ],
    ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /systempaths=unconfined/],
    [
      'error building bubblewrap command: app-server socket directory must be a user-owned directory with mode 0700',
      /\/tmp\/codex-daemon-\d+/,
    ],
    [
      'Error: default_permissions refers to undefined profile `seedbed`',
      /something else wrote its configuration/,
    ],
    ['some new failure', /codex sandbox.*external/s],
  ])('and says what to do about: %s', async (words, advice) => {
    await using task = await createTaskFolder();
    const error = await failure(probe(task, `cat >&2 <<'END'\n${words}\nEND\nexit 101`));
    expect(error.message).toContain(words);
    expect(error.message).toMatch(advice);
  });
});

describe('a probe', () => {
  test('leaves nothing behind, however it ends', async () => {
    await using task = await createTaskFolder();
    const before = await task.paths();
    for (const codex of [RUN_UNCONFINED, 'exit 1', 'kill -9 $$']) {
      await failure(probe(task, codex));
      expect((await task.paths()).filter((path) => path !== 'codex')).toEqual(before);
    }
  });

  test('keeps an empty folder that was there', async () => {
    await using task = await createTaskFolder();
    await mkdir(join(task.workdir, '.git'));
    await failure(probe(task, RUN_UNCONFINED));
    expect(await task.paths()).toContain('work/.git');
  });

  test('that is aborted leaves nothing behind either', async () => {
    await using task = await createTaskFolder();
    const before = await task.paths();
    const signal = AbortSignal.timeout(300);
    await expect(probe(task, 'sleep 60', { signal })).rejects.toMatchObject({ code: 'aborted' });
    expect((await task.paths()).filter((path) => path !== 'codex')).toEqual(before);
  });

  test('that is aborted leaves no folder behind that came into being in the sandbox', async () => {
    await using task = await createTaskFolder();
    const before = await task.paths();
    const stop = new AbortController();
    const probing = probe(task, 'mkdir .git && touch ../reached && exec sleep 60', { signal: stop.signal });
    probing.catch(() => undefined);
    await expect.poll(() => task.paths()).toContain('reached');
    stop.abort();
    await expect(probing).rejects.toMatchObject({ code: 'aborted' });
    expect((await task.paths()).filter((path) => path !== 'codex' && path !== 'reached')).toEqual(before);
  });

  test('costs one command', async () => {
    await using task = await createTaskFolder();
    const host = createLocalHost();
    let commands = 0;
    const counting: Host = {
      ...host,
      spawn: (...command) => {
        commands += 1;
        return host.spawn(...command);
      },
    };
    await failure(probe(task, RUN_UNCONFINED, { host: counting }));
    expect(commands).toBe(1);
  });

  test('whose end was cut off, because too much was printed, is none', async () => {
    await using task = await createTaskFolder();
    const before = await task.paths();
    const flood = `head -c 1200000 /dev/zero | tr '\\0' x; ${RUN_UNCONFINED}`;
    await expect(probe(task, flood)).rejects.toMatchObject({ code: 'command-failed' });
    expect((await task.paths()).filter((path) => path !== 'codex')).toEqual(before);
  });

  test('that never ends is ended', async () => {
    await using task = await createTaskFolder();
    await expect(probe(task, 'sleep 60', { timeoutMs: 300 })).rejects.toMatchObject({ code: 'timeout' });
  });

  test('takes what a host has no tool to try for unknown, never for denied', async () => {
    await using task = await createTaskFolder();
    const host = createLocalHost({ env: { PATH: task.workdir } });
    const error = await failure(probe(task, RUN_UNCONFINED, { host }));
    expect(observed(error)).toMatchObject({
      'outside-write': 'not-checkable',
      'protected-write': 'not-checkable',
    });
    expect(error.message).toContain('outside-write');
  });

  test('lets the unknown pass only when told to, and what is known to be wrong never', async () => {
    await using task = await createTaskFolder();
    const host = createLocalHost({ env: { PATH: task.workdir } });
    const error = await failure(probe(task, RUN_UNCONFINED, { host, allowUnchecked: true }));
    expect(error.message).not.toContain('outside-write');
    expect(error.message).toContain('secret-read');
  });

  test('does not show what it read in its report', async () => {
    await using task = await createTaskFolder();
    const { message, report } = await failure(probe(task, RUN_UNCONFINED));
    expect(`${message}${JSON.stringify(report)}`).not.toContain('sk-canary');
  });

  test('tries nothing where Codex confines nothing, and says who does', async () => {
    await using task = await createTaskFolder();
    const codex = 'echo must not run; exit 1';
    expect(await probe(task, codex, { settings: { mode: 'external' } })).toEqual({
      confinedBy: 'external',
      codexVersion: '0.169.0',
      verdict: 'incomplete',
      checks: [],
    });
    expect(await probe(task, codex, { settings: { fsIsolation: false } })).toMatchObject({
      confinedBy: 'nobody',
    });
  });
});
