import { CREDENTIAL_NAME_GLOBS } from '@seedbed/host';
import { describe, expect, test } from 'vitest';
import { parseSandboxPolicy } from './parse-policy.ts';
import type { PolicyEntry } from './policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

function entriesOf(settings: unknown): string[] {
  const { profile } = parseSandboxPolicy(settings);
  if (profile.kind !== 'managed') throw new Error(`the profile is ${profile.kind}`);
  return profile.entries.map(
    ({ access, base, kind, path }: PolicyEntry) => `${access} ${kind} ${base} ${path}`,
  );
}

function refusal(settings: unknown): SandboxPolicyError {
  try {
    parseSandboxPolicy(settings);
  } catch (error) {
    if (error instanceof SandboxPolicyError) return error;
    throw error;
  }
  throw new Error('the settings were accepted');
}

describe('without any setting', () => {
  test('the agent writes in its workdir only, reaches no network and does not see its login', () => {
    expect(entriesOf({})).toEqual(['deny path :codex-home ', 'read path :root ', 'write path :workdir ']);
    expect(parseSandboxPolicy({}).profile).toMatchObject({ kind: 'managed', network: false });
  });

  test('the user is asked when the agent wants to leave the sandbox', () => {
    expect(parseSandboxPolicy({}).approvals).toBe('on-request');
  });

  test('no name that looks like a credential reaches a command, and the project configures nothing', () => {
    const { environment, projectConfig } = parseSandboxPolicy({});
    expect(environment).toEqual({
      inherit: 'core',
      exclude: [...CREDENTIAL_NAME_GLOBS].sort(),
      includeOnly: [],
      set: {},
    });
    expect(projectConfig).toBe('ignored');
  });
});

describe('the simple face', () => {
  test('read-only gives no write at all', () => {
    expect(entriesOf({ mode: 'read-only' })).toEqual(['deny path :codex-home ', 'read path :root ']);
  });

  test('extra folders are granted by path, with ~ left for the host to know', () => {
    const dirs = [
      { path: '~/data', mode: 'rw' },
      { path: '/opt/../srv//x/', mode: 'rox' },
    ];
    expect(entriesOf({ extraAllowedDirs: dirs })).toEqual(
      expect.arrayContaining(['write path :home data', 'read path :root srv/x']),
    );
  });

  test('the shared folder for temporary files is granted only when asked for', () => {
    expect(entriesOf({ tmpAccess: true })).toContain('write path :tmp ');
    expect(entriesOf({}).join()).not.toContain(':tmp');
  });

  test('where Codex confines nothing, every command that is not known to be harmless is asked about', () => {
    for (const settings of [{ mode: 'danger-full-access' }, { fsIsolation: false }, { mode: 'external' }]) {
      expect(parseSandboxPolicy(settings).approvals).toBe('untrusted');
    }
  });

  test('an outside sandbox is taken at the word "external" only', () => {
    expect(parseSandboxPolicy({ mode: 'external' }).profile).toEqual({ kind: 'external' });
    expect(parseSandboxPolicy({ fsIsolation: false }).profile).toEqual({ kind: 'disabled' });
  });
});

describe('a profile', () => {
  test('gives exactly what it says, and hides the login', () => {
    const entries = [
      { access: 'write', symbol: ':workdir', subpath: 'out/./x' },
      { access: 'deny', glob: '**/*.env' },
      { access: 'read', glob: '/srv/data/**' },
    ];
    expect(entriesOf({ profile: { kind: 'managed', entries } })).toEqual([
      'deny path :codex-home ',
      'read path :root srv/data',
      'deny glob :workdir **/*.env',
      'write path :workdir out/x',
    ]);
  });

  test('may show the login when told to', () => {
    expect(entriesOf({ hideSecrets: false }).join()).not.toContain(':codex-home');
  });
});

describe('what is not of the form', () => {
  test.each([
    ['an unknown key', { sandbox: 'read-only' }],
    ['an unknown key inside', { environment: { inherits: 'all' } }],
    ['no object', 'workspace-write'],
    ['a relative grant', { extraAllowedDirs: [{ path: 'data', mode: 'rw' }] }],
    ["another user's home", { extraAllowedDirs: [{ path: '~root', mode: 'ro' }] }],
    ['a NUL in a path', { extraAllowedDirs: [{ path: '/a\0b', mode: 'ro' }] }],
    ['bytes that are no UTF-8', { extraAllowedDirs: [{ path: '/a\udcff', mode: 'ro' }] }],
    [
      'a path that climbs out of a symbol',
      {
        profile: { kind: 'managed', entries: [{ access: 'write', symbol: ':workdir', subpath: '../other' }] },
      },
    ],
    ['a glob that climbs', { profile: { kind: 'managed', entries: [{ access: 'deny', glob: '../*.env' }] } }],
    [
      'a glob that gives something',
      { profile: { kind: 'managed', entries: [{ access: 'write', glob: '*.txt' }] } },
    ],
    ['a glob that is none', { profile: { kind: 'managed', entries: [{ access: 'deny', glob: 'x/y' }] } }],
    [
      'a glob that Codex takes literally',
      { profile: { kind: 'managed', entries: [{ access: 'deny', glob: '*.{env,pem}' }] } },
    ],
    ['a variable that is none', { environment: { set: { 'A=B': '1' } } }],
    ['a NUL in a variable', { environment: { set: { A: '\0' } } }],
    ['a pattern with a class', { environment: { exclude: ['[A-Z]*'] } }],
  ])('%s is refused', (_, settings) => {
    expect(refusal(settings).code).toBe('invalid-policy');
  });

  test('the message names where it is, and what to do', () => {
    const { message } = refusal({
      extraAllowedDirs: [
        { path: '/ok', mode: 'rw' },
        { path: 'data', mode: 'rw' },
      ],
    });
    expect(message).toContain('extraAllowedDirs[1]');
    expect(message).toContain('Write the whole path');
  });

  test('a value that was to be set is not repeated in a message', () => {
    expect(refusal({ environment: { set: { TOKEN: 'hunter2\0' } } }).message).not.toContain('hunter2');
  });
});

describe('settings that cannot both hold are refused, by their names', () => {
  const managed = (...entries: unknown[]) => ({ profile: { kind: 'managed', entries } });
  test.each([
    [{ fsIsolation: true, mode: 'danger-full-access' }, ['fsIsolation: true', 'mode: danger-full-access']],
    [{ fsIsolation: true, mode: 'external' }, ['fsIsolation: true', 'mode: external']],
    [{ fsIsolation: false, mode: 'workspace-write' }, ['fsIsolation: false', 'mode: workspace-write']],
    [
      {
        mode: 'read-only',
        extraAllowedDirs: [
          { path: '/a', mode: 'ro' },
          { path: '/b', mode: 'rwx' },
        ],
      },
      ['mode: read-only', 'extraAllowedDirs[1]'],
    ],
    [{ mode: 'read-only', tmpAccess: true }, ['mode: read-only', 'tmpAccess: true']],
    [
      { mode: 'danger-full-access', networkAccess: false },
      ['mode: danger-full-access', 'networkAccess: false'],
    ],
    [{ mode: 'danger-full-access', hideSecrets: true }, ['mode: danger-full-access', 'hideSecrets: true']],
    [
      { mode: 'danger-full-access', approvals: 'on-request' },
      ['approvals: on-request', 'mode: danger-full-access'],
    ],
    [{ fsIsolation: false, approvals: 'deny-all' }, ['approvals: deny-all', 'fsIsolation: false']],
    [
      { fsIsolation: false, extraAllowedDirs: [{ path: '/a', mode: 'rw' }] },
      ['fsIsolation: false', 'extraAllowedDirs[0]'],
    ],
    [{ mode: 'external', networkAccess: true }, ['mode: external', 'networkAccess: true']],
    [{ mode: 'external', tmpAccess: false }, ['mode: external', 'tmpAccess: false']],
    [{ profile: { kind: 'external', entries: [] } }, ['profile.kind: external', 'profile.entries']],
    [{ profile: { kind: 'disabled', network: true } }, ['profile.kind: disabled', 'profile.network']],
    [{ profile: { kind: 'managed' }, networkAccess: true }, ['profile', 'networkAccess']],
    [
      { environment: { inherit: 'none', includeOnly: ['PATH'] } },
      ['environment.inherit: none', 'environment.includeOnly'],
    ],
    [
      { environment: { inherit: 'none', exclude: ['PATH'] } },
      ['environment.inherit: none', 'environment.exclude'],
    ],
    [
      { environment: { exclude: ['A_*'], includeOnly: ['B', 'a_*'] } },
      ['environment.includeOnly[1]', 'environment.exclude'],
    ],
    [
      {
        extraAllowedDirs: [
          { path: '/a', mode: 'rw' },
          { path: '/a/', mode: 'ro' },
        ],
      },
      ['extraAllowedDirs[0]', 'extraAllowedDirs[1]'],
    ],
    [managed({ access: 'read', symbol: ':codex-home' }), ['profile.entries[0]', 'hideSecrets']],
  ])('%j', (settings, names) => {
    const error = refusal(settings);
    expect([error.code, error.settings]).toEqual(['contradiction', names]);
    for (const name of names) expect(error.message).toContain(name);
  });

  test.each([
    'mode',
    'fsIsolation',
    'extraAllowedDirs',
    'networkAccess',
    'tmpAccess',
    'profile',
    'hideSecrets',
  ])('the bypass excludes %s', (name) => {
    const values: Record<string, unknown> = {
      mode: 'danger-full-access',
      extraAllowedDirs: [],
      profile: { kind: 'disabled' },
    };
    const error = refusal({
      approvals: 'dangerously-bypass-approvals-and-sandbox',
      [name]: values[name] ?? true,
    });
    expect(error.settings).toEqual(['approvals: dangerously-bypass-approvals-and-sandbox', name]);
  });

  test('the bypass alone is taken at its word', () => {
    const policy = parseSandboxPolicy({ approvals: 'dangerously-bypass-approvals-and-sandbox' });
    expect(policy).toMatchObject({
      profile: { kind: 'disabled' },
      approvals: 'dangerously-bypass-approvals-and-sandbox',
    });
  });
});
