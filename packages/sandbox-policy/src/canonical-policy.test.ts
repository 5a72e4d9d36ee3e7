import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { policySettings } from '../test/policies.ts';
import { equalPolicies, toPolicySettings } from './canonical-policy.ts';
import { parseSandboxPolicy } from './parse-policy.ts';

describe('two policies', () => {
  test('are equal in whatever order they were written', () => {
    fc.assert(
      fc.property(policySettings, (settings) => {
        const { environment, profile } = settings;
        const reordered = {
          ...Object.fromEntries(Object.entries(settings).reverse()),
          ...(profile === undefined
            ? {}
            : { profile: { ...profile, entries: [...(profile.entries ?? [])].reverse() } }),
          environment: {
            ...environment,
            ...(environment?.exclude === undefined ? {} : { exclude: [...environment.exclude].reverse() }),
            ...(environment?.set === undefined
              ? {}
              : { set: Object.fromEntries(Object.entries(environment.set).reverse()) }),
          },
        };
        expect(equalPolicies(parseSandboxPolicy(settings), parseSandboxPolicy(reordered))).toBe(true);
      }),
    );
  });

  test('are equal when the simple face and a profile mean the same', () => {
    const simple = parseSandboxPolicy({
      extraAllowedDirs: [{ path: '~/x', mode: 'rwx' }],
      networkAccess: true,
    });
    const profile = parseSandboxPolicy({
      hideSecrets: false,
      profile: {
        kind: 'managed',
        network: true,
        entries: [
          { access: 'deny', symbol: ':codex-home' },
          { access: 'write', symbol: ':home', subpath: 'x' },
          { access: 'write', path: '~/x' },
          { access: 'write', symbol: ':workdir' },
          { access: 'read', path: '/' },
        ],
      },
    });
    expect(equalPolicies(simple, profile)).toBe(true);
  });

  test.each([
    [{}, { networkAccess: true }],
    [{}, { hideSecrets: false }],
    [{}, { mode: 'read-only' }],
    [{}, { approvals: 'deny-all' }],
    [{}, { projectConfig: 'trusted' }],
    [{}, { environment: { set: { A: '1' } } }],
    [{}, { environment: { exclude: [] } }],
    [{ mode: 'external' }, { mode: 'danger-full-access' }],
    [{ mode: 'danger-full-access' }, { approvals: 'dangerously-bypass-approvals-and-sandbox' }],
    [{ extraAllowedDirs: [{ path: '/a', mode: 'ro' }] }, { extraAllowedDirs: [{ path: '/a', mode: 'rw' }] }],
  ])('%j and %j are not equal', (one, other) => {
    expect(equalPolicies(parseSandboxPolicy(one), parseSandboxPolicy(other))).toBe(false);
  });
});

describe('a policy that was stored', () => {
  test('is read back as an equal one', () => {
    fc.assert(
      fc.property(policySettings, (settings) => {
        const policy = parseSandboxPolicy(settings);
        const stored = JSON.stringify(toPolicySettings(policy));
        expect(equalPolicies(parseSandboxPolicy(JSON.parse(stored)), policy)).toBe(true);
      }),
    );
  });
});
