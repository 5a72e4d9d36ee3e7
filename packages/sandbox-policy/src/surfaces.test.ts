import fc from 'fast-check';
import { parse } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { binding } from '../test/binding.ts';
import { policySettings } from '../test/policies.ts';
import { codexApproval } from './approval-policy.ts';
import { bindSandboxPolicy, type ResolvedSandbox } from './bind-policy.ts';
import { parseSandboxPolicy } from './parse-policy.ts';
import { renderAppServerArgv, renderCodexArgv, renderExecArgv, renderProbeArgv } from './render-argv.ts';
import { renderConfigToml } from './render-config.ts';
import { renderThreadStart, renderTurnStart, verifyThreadAnswer } from './render-requests.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** A reading of what Codex is told: what it would enforce, in words that all surfaces share. */
interface Reading {
  readonly confined: boolean;
  readonly filesystem: Readonly<Record<string, unknown>>;
  readonly network: unknown;
  readonly approvals: string;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly trust: unknown;
  readonly snapshot: unknown;
}

type Table = Record<string, unknown>;

function table(value: unknown): Table {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Codex's way with layers: tables member by member, everything else replaced. */
function layered(below: Table, above: Table): Table {
  const merged = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const both = [merged[key], value].every(
      (side) => typeof side === 'object' && side !== null && !Array.isArray(side),
    );
    merged[key] = both ? layered(table(merged[key]), table(value)) : value;
  }
  return merged;
}

/** Reads `-c key=value` arguments as Codex does: a dotted path, then a TOML value. */
function readArgv(argv: readonly string[]): Table {
  let config: Table = {};
  for (const [index, word] of argv.entries()) {
    if (word !== '-c') continue;
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(argv[index + 1] ?? '') ?? [];
    const path = key.split('.');
    const leaf = parse(`value=${value}`)['value'];
    config = layered(config, table(path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), leaf)));
  }
  return config;
}

/** Reads a configuration as Codex does, under the profile that a request names, or the default one. */
function readConfig(config: Table, params: Table = {}): Reading {
  const name = String(params['permissions'] ?? config['default_permissions']);
  const profile = table(table(config['permissions'])[name]);
  if (!name.startsWith(':') && Object.keys(profile).length === 0)
    throw new Error(`there is no profile ${name}`);
  const workdir = binding().workdir;
  const trust = table(table(config['projects'])[workdir])['trust_level'];
  // Codex's own default, as measured: a project that it does not trust is under "untrusted".
  const approval = params['approvalPolicy'] ?? config['approval_policy'] ?? trust;
  return {
    confined: name !== ':danger-full-access',
    filesystem: table(profile['filesystem']),
    network: name === ':danger-full-access' ? true : table(profile['network'])['enabled'],
    approvals: `${approval}/${params['approvalsReviewer'] ?? config['approvals_reviewer']}`,
    environment: table(config['shell_environment_policy']),
    trust,
    snapshot: table(config['features'])['shell_snapshot'],
  };
}

/** What the policy itself wants, worked out without any renderer. */
function wanted(resolved: ResolvedSandbox): Reading {
  const { approvals, environment, profile, projectConfig } = resolved.policy;
  const { exclude, includeOnly, inherit, set } = environment;
  const confined = profile.kind === 'managed';
  const filesystem: Table =
    confined && !resolved.entries.some(({ path }) => path === '/') ? { ':minimal': 'read' } : {};
  for (const { access, path } of resolved.entries) filesystem[path === '/' ? ':root' : path] = access;
  const { policy, reviewer } = codexApproval(approvals);
  return {
    confined,
    filesystem,
    network: profile.kind === 'managed' ? profile.network : true,
    approvals: `${policy}/${reviewer}`,
    environment: {
      inherit,
      ignore_default_excludes: true,
      exclude,
      include_only: includeOnly.length === 0 ? [] : [...includeOnly, ...Object.keys(set)],
      set,
    },
    trust: projectConfig === 'ignored' ? 'untrusted' : 'trusted',
    snapshot: false,
  };
}

/** Policies that bind; those in which one entry lies in another are for the tests of the binding. */
const resolvedPolicies = policySettings.map(parseSandboxPolicy).chain((policy) => {
  try {
    return fc.constant(bindSandboxPolicy(policy, binding()));
  } catch (error) {
    if (error instanceof SandboxPolicyError) return fc.constant(undefined);
    throw error;
  }
});

function forEveryPolicy(check: (resolved: ResolvedSandbox) => void): void {
  let bound = 0;
  fc.assert(
    fc.property(resolvedPolicies, (resolved) => {
      if (resolved === undefined) return;
      bound += 1;
      check(resolved);
    }),
    { numRuns: 300 },
  );
  expect(bound).toBeGreaterThan(100);
}

describe('every surface says the same as the policy', () => {
  test('config.toml', () => {
    forEveryPolicy((resolved) =>
      expect(readConfig(table(renderConfigToml(resolved)))).toEqual(wanted(resolved)),
    );
  });

  test.each([
    ['codex', renderCodexArgv],
    ['codex app-server', renderAppServerArgv],
    ['codex sandbox', (resolved: ResolvedSandbox) => renderProbeArgv(resolved, ['true'])],
  ])('the arguments of %s, over the config.toml of the task', (_, render) => {
    forEveryPolicy((resolved) => {
      const config = layered(table(renderConfigToml(resolved)), readArgv(render(resolved)));
      expect(readConfig(config)).toEqual(wanted(resolved));
    });
  });

  test('the arguments alone, over a config.toml that says the opposite', () => {
    forEveryPolicy((resolved) => {
      const hostile = {
        default_permissions: ':danger-full-access',
        // 0.169 has no argument that says "untrusted": there the file that this package writes must not say otherwise.
        ...(resolved.policy.approvals === 'untrusted' ? {} : { approval_policy: 'never' }),
        approvals_reviewer: 'nobody',
        shell_environment_policy: {
          inherit: 'all',
          ignore_default_excludes: false,
          exclude: [],
          include_only: ['*'],
        },
        features: { shell_snapshot: true, other: true },
        projects: { [binding().workdir]: { trust_level: 'trusted' } },
      };
      const { environment, ...reading } = readConfig(
        layered(hostile, readArgv(renderAppServerArgv(resolved))),
      );
      const { environment: wantedEnvironment, ...rest } = wanted(resolved);
      expect(reading).toEqual(rest);
      expect({ ...environment, set: wantedEnvironment['set'] }).toEqual(wantedEnvironment);
    });
  });

  test('thread/start and turn/start, on a server that was started with the arguments', () => {
    forEveryPolicy((resolved) => {
      const config = layered(table(renderConfigToml(resolved)), readArgv(renderAppServerArgv(resolved)));
      for (const params of [renderThreadStart(resolved), renderTurnStart(resolved)]) {
        expect(readConfig(config, { ...params })).toEqual(wanted(resolved));
        expect(params).not.toHaveProperty('sandbox');
        expect(params).not.toHaveProperty('sandboxPolicy');
      }
    });
  });

  test('codex exec, but that it asks nobody', () => {
    forEveryPolicy((resolved) => {
      if (resolved.policy.approvals === 'untrusted') {
        expect(() => renderExecArgv(resolved)).toThrow(expect.objectContaining({ code: 'contradiction' }));
        return;
      }
      const config = layered(table(renderConfigToml(resolved)), readArgv(renderExecArgv(resolved)));
      expect(readConfig(config)).toEqual({ ...wanted(resolved), approvals: 'never/user' });
    });
  });
});

describe('arguments', () => {
  test('never hold the value of a variable: every user of a host can read them', () => {
    const policy = parseSandboxPolicy({ environment: { set: { DATABASE: 'hunter2' } } });
    const resolved = bindSandboxPolicy(policy, binding());
    const all = [renderCodexArgv, renderAppServerArgv, renderExecArgv].flatMap((render) => render(resolved));
    expect([...all, ...renderProbeArgv(resolved, ['true'])].join(' ')).not.toContain('hunter2');
  });

  test('of the probe keep the command as it is, whatever it looks like', () => {
    const resolved = bindSandboxPolicy(parseSandboxPolicy({}), binding());
    expect(renderProbeArgv(resolved, ['-c', '--', 'x']).slice(-4)).toEqual(['--', '-c', '--', 'x']);
  });
});

describe("Codex's answer about the policy in effect", () => {
  const resolved = bindSandboxPolicy(
    parseSandboxPolicy({ extraAllowedDirs: [{ path: '/srv/a', mode: 'rw' }] }),
    binding(),
  );
  const answer = {
    activePermissionProfile: { id: 'seedbed', extends: null },
    approvalPolicy: 'on-request',
    approvalsReviewer: 'user',
    sandbox: { type: 'workspaceWrite', writableRoots: ['/srv/a'], networkAccess: false },
  };

  test('is accepted when it is what was asked for', () => {
    expect(() => verifyThreadAnswer(resolved, answer)).not.toThrow();
  });

  test.each([
    ['another profile', { activePermissionProfile: { id: ':workspace' } }],
    ['no profile, as after `sandbox` was passed', { activePermissionProfile: null }],
    ['another approval policy, as after a cold resume', { approvalPolicy: 'never' }],
    ['another reviewer', { approvalsReviewer: 'auto_review' }],
    ['no sandbox', { sandbox: { type: 'dangerFullAccess' } }],
    ['nothing said', { sandbox: undefined }],
    ['the network open', { sandbox: { ...answer.sandbox, networkAccess: true } }],
    [
      'a folder that nobody granted, as a project may add one',
      { sandbox: { ...answer.sandbox, writableRoots: ['/srv/a', '/srv/b'] } },
    ],
  ])('is refused: %s', (_, change) => {
    const { sandbox, ...rest } = { ...answer, ...change };
    const changed = sandbox === undefined ? rest : { ...rest, sandbox };
    expect(() => verifyThreadAnswer(resolved, changed)).toThrow(
      expect.objectContaining({ code: 'not-in-effect' }),
    );
  });

  test('must be that nothing is confined, where nothing is to be', () => {
    const open = bindSandboxPolicy(parseSandboxPolicy({ mode: 'external' }), binding());
    const unconfined = {
      activePermissionProfile: { id: ':danger-full-access' },
      approvalPolicy: 'untrusted',
      approvalsReviewer: 'user',
      sandbox: { type: 'dangerFullAccess' },
    };
    expect(() => verifyThreadAnswer(open, unconfined)).not.toThrow();
    expect(() => verifyThreadAnswer(open, answer)).toThrow(
      expect.objectContaining({ code: 'not-in-effect' }),
    );
  });
});
