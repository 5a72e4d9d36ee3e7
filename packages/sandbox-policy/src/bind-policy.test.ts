import { hostPath } from '@seedbed/host';
import { describe, expect, test } from 'vitest';
import { binding } from '../test/binding.ts';
import { bindSandboxPolicy, type SandboxBinding } from './bind-policy.ts';
import { parseSandboxPolicy } from './parse-policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

function bound(settings: unknown, over: Partial<SandboxBinding> = {}): string[] {
  const { entries } = bindSandboxPolicy(parseSandboxPolicy(settings), binding(over));
  return entries.map(({ access, path }) => `${access} ${path}`);
}

function refusal(settings: unknown, over: Partial<SandboxBinding> = {}): SandboxPolicyError {
  try {
    bound(settings, over);
  } catch (error) {
    if (error instanceof SandboxPolicyError) return error;
    throw error;
  }
  throw new Error('the policy was bound');
}

const managed = (...entries: unknown[]) => ({ profile: { kind: 'managed', entries } });
const workdirAnd = (...entries: unknown[]) =>
  managed({ access: 'read', symbol: ':root' }, { access: 'write', symbol: ':workdir' }, ...entries);

describe('binding', () => {
  test('puts paths in the place of symbols', () => {
    expect(bound({ tmpAccess: true, extraAllowedDirs: [{ path: '~/data', mode: 'rw' }] })).toEqual([
      'read /',
      'write /home/user/data',
      'write /tasks/one',
      'write /tasks/one/home',
      'deny /tasks/one/home/.codex',
      'write /tmp',
    ]);
  });

  test('lets the task write in its own temporary folder, also where that lies outside of the workdir', () => {
    expect(bound({}, { taskTmp: hostPath('/run/one') })).toContain('write /run/one');
    expect(bound({}).join()).not.toContain('home/tmp');
    expect(bound({ mode: 'read-only' }, { taskTmp: hostPath('/run/one') }).join()).not.toContain('/run/one');
  });

  test('keeps CODEX_HOME from being written even when it is shown', () => {
    expect(bound({ hideSecrets: false })).toContain('read /tasks/one/home/.codex');
  });

  test('holds every folder between a writable one and what is closed in it: renamed, it would open it', () => {
    const settings = workdirAnd(
      { access: 'deny', path: '/tasks/one/a/b/private' },
      { access: 'read', path: '/tasks/one/a/c' },
      { access: 'write', path: '/tasks/one/a/c/d/open' },
      { access: 'deny', path: '/srv/x/y' },
    );
    expect(bound(settings, { codexHome: hostPath('/elsewhere') })).toEqual([
      'read /',
      'deny /elsewhere',
      'deny /srv/x/y',
      'write /tasks/one',
      'write /tasks/one/a',
      'write /tasks/one/a/b',
      'deny /tasks/one/a/b/private',
      'read /tasks/one/a/c',
      'write /tasks/one/a/c/d/open',
    ]);
  });

  test("keeps the start-up files of the task's own home from being written", () => {
    const taskHome = hostPath('/tasks/one/home');
    expect(bound({}, { taskHome })).toEqual(
      expect.arrayContaining([
        'read /tasks/one/home/.profile',
        'read /tasks/one/home/.gitconfig',
        'write /tasks/one/home',
      ]),
    );
    expect(bound({ mode: 'read-only' }, { taskHome }).join()).not.toContain('.profile');
  });

  test('hides what is kept from every task, and leaves the own workdir open in it', () => {
    expect(bound({}, { unreachable: [hostPath('/tasks'), hostPath('/run/tmux')] })).toEqual(
      expect.arrayContaining(['deny /tasks', 'deny /run/tmux', 'write /tasks/one']),
    );
  });

  test('lets Codex read its own binary where the profile does not read everything', () => {
    const profile = managed({ access: 'write', symbol: ':workdir' });
    expect(bound(profile)).toContain('read /opt/codex');
    const { codexTree: _, ...withoutTree } = binding();
    expect(() => bindSandboxPolicy(parseSandboxPolicy(profile), withoutTree)).toThrow(/codexTree/);
  });
});

describe('root', () => {
  test('is refused with a version whose sandbox it can leave', () => {
    const error = refusal({}, { uid: 0, codexVersion: '0.142.5' });
    expect(error.code).toBe('root-refused');
    expect(error.message).toContain('allowEscapableRoot');
  });

  test('is let in by name, by a newer version, and where nothing is confined anyway', () => {
    expect(bound({}, { uid: 0, codexVersion: '0.142.5', allowEscapableRoot: true })).not.toEqual([]);
    expect(bound({}, { uid: 0, codexVersion: '0.169.0' })).not.toEqual([]);
    expect(bound({ mode: 'external' }, { uid: 0, codexVersion: '0.142.5' })).toEqual([]);
  });

  test('is refused with every version that was not measured to hold it', () => {
    for (const codexVersion of ['0.150.0', '0.168.9', '0.169.0-alpha.1']) {
      expect(refusal({}, { uid: 0, codexVersion }).code).toBe('root-refused');
    }
  });
});

describe('settings that meet on a host are refused, by their names', () => {
  const grant = (path: string, mode = 'rw') => ({ extraAllowedDirs: [{ path, mode }] });
  const unreachable = [hostPath('/tasks')];
  test.each<[string, unknown, Partial<SandboxBinding>, [string, string]]>([
    [
      'the workdir denied',
      workdirAnd({ access: 'deny', path: '/tasks/one' }),
      {},
      ['profile.entries[1]', 'profile.entries[2]'],
    ],
    [
      'a folder around the workdir denied',
      workdirAnd({ access: 'deny', path: '/tasks' }),
      {},
      ['profile.entries[2]', 'workdir'],
    ],
    [
      'every file of the workdir denied',
      workdirAnd({ access: 'deny', glob: '**' }),
      {},
      ['profile.entries[2]', 'workdir'],
    ],
    ['CODEX_HOME around the workdir', {}, { codexHome: hostPath('/tasks') }, ['hideSecrets', 'workdir']],
    [
      'a grant inside what is denied',
      workdirAnd({ access: 'deny', path: '/srv' }, { access: 'write', path: '/srv/a' }),
      {},
      ['profile.entries[3]', 'profile.entries[2]'],
    ],
    [
      'a read inside what is denied',
      workdirAnd({ access: 'deny', path: '/srv' }, { access: 'read', path: '/srv/a' }),
      {},
      ['profile.entries[3]', 'profile.entries[2]'],
    ],
    [
      'a grant among the secrets',
      grant('/tasks/one/home/.codex/skills'),
      {},
      ['extraAllowedDirs[0]', 'hideSecrets'],
    ],
    ['a grant of the secrets', grant('/tasks/one/home/.codex'), {}, ['hideSecrets', 'extraAllowedDirs[0]']],
    ['a grant around the secrets', grant('/tasks/one/home'), {}, ['extraAllowedDirs[0]', 'codexHome']],
    [
      'a grant around secrets that are shown',
      { ...grant('/tasks/one/home'), hideSecrets: false },
      {},
      ['extraAllowedDirs[0]', 'codexHome'],
    ],
    ['a grant around the workdir', grant('/tasks'), {}, ['extraAllowedDirs[0]', 'workdir']],
    ['a grant of everything', grant('/'), {}, ['mode', 'extraAllowedDirs[0]']],
    [
      'the shared temporary folder around the workdir',
      { tmpAccess: true },
      { workdir: hostPath('/tmp/one'), codexHome: hostPath('/tmp/one/.c') },
      ['tmpAccess', 'workdir'],
    ],
    [
      "another task's folder",
      grant('/tasks/two', 'ro'),
      { unreachable },
      ['extraAllowedDirs[0]', 'unreachable'],
    ],
    [
      'one folder under two names',
      workdirAnd({ access: 'read', path: '/home/user/x' }, { access: 'write', path: '~/x' }),
      {},
      ['profile.entries[2]', 'profile.entries[3]'],
    ],
  ])('%s', (_, settings, over, names) => {
    const error = refusal(settings, over);
    expect(error.code).toBe('contradiction');
    expect([...(error.settings ?? [])].sort()).toEqual([...names].sort());
  });

  test('a folder of the own workdir may be granted and closed, also below the folder of all tasks', () => {
    const settings = workdirAnd(
      { access: 'read', path: '/tasks/one/vendor' },
      { access: 'deny', path: '/tasks/one/private' },
    );
    expect(bound(settings, { unreachable })).toContain('read /tasks/one/vendor');
  });
});

describe('what a version cannot enforce is refused rather than weakened', () => {
  test('a version older than any that was measured', () => {
    expect(refusal({}, { codexVersion: '0.142.4' }).code).toBe('unsupported-by-version');
    expect(refusal({}, { codexVersion: 'latest' }).code).toBe('invalid-policy');
  });

  test.each(['/srv/out*/**', '/srv/*/f', '/srv/**/x/*.env', '/srv/a**', '**/x**'])(
    'the glob %s, before 0.169.0',
    (glob) => {
      const settings = workdirAnd({ access: 'deny', glob });
      expect(refusal(settings, { codexVersion: '0.142.5' }).code).toBe('unsupported-by-version');
      expect(bound(settings).join()).toContain('deny');
    },
  );

  test.each(['*.env', '**/*.env', '/srv/**', '~/x/*.p?m', '/srv/**/[ab]c'])(
    'the glob %s works in all of them',
    (glob) => {
      expect(bound(workdirAnd({ access: 'deny', glob }), { codexVersion: '0.142.5' }).join()).toContain(
        'deny',
      );
    },
  );

  test('a path that Codex would take for a glob, whatever it is for', () => {
    const odd = hostPath('/tasks/one[1]');
    for (const over of [{ workdir: odd }, { codexHome: odd }, { unreachable: [odd] }, { taskTmp: odd }]) {
      expect(refusal({}, over).code).toBe('unsupported-by-version');
    }
    expect(refusal({ extraAllowedDirs: [{ path: '/srv/a*', mode: 'rw' }] }).code).toBe(
      'unsupported-by-version',
    );
  });

  test('a path that is not UTF-8', () => {
    expect(refusal({}, { workdir: hostPath('/tasks/\udcff') }).code).toBe('unsupported-by-version');
  });

  test('a workdir for reading only inside a hidden folder', () => {
    expect(refusal({ mode: 'read-only' }, { unreachable: [hostPath('/tasks')] }).code).toBe(
      'unsupported-by-version',
    );
  });
});

describe('the approval mode "untrusted"', () => {
  const settings = { approvals: 'untrusted', projectConfig: 'trusted' };

  test('cannot be had in a trusted project where Codex knows it only as a default', () => {
    expect(refusal(settings, { codexVersion: '0.169.0' }).code).toBe('unsupported-by-version');
    expect(() => bound(settings, { codexVersion: '0.142.5' })).not.toThrow();
  });
});
