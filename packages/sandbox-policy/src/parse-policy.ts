import { CREDENTIAL_NAME_GLOBS } from '@seedbed/host';
import { z } from 'zod';
import { canonicalEntries, canonicalNames } from './canonical-policy.ts';
import type {
  ApprovalMode,
  EnvironmentPolicy,
  PolicyEntry,
  SandboxPolicy,
  SandboxProfile,
} from './policy.ts';
import { parsePolicyEntry, pathEntry } from './policy-entry.ts';
import { policySettingsSchema, type SandboxPolicySettings } from './policy-settings.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';
import { profileKind, refuseContradictorySettings } from './settings-contradictions.ts';

/**
 * Reads a policy from what a caller says; see {@link SandboxPolicySettings}. Looks at no host.
 *
 * @throws {SandboxPolicyError} `invalid-policy` for what is not of the form, unknown keys included; `contradiction`, naming the two settings.
 */
export function parseSandboxPolicy(input: unknown): SandboxPolicy {
  const parsed = policySettingsSchema.safeParse(input);
  if (!parsed.success) {
    throw new SandboxPolicyError(
      'invalid-policy',
      `The sandbox policy is not of the form that it should have:\n${z.prettifyError(parsed.error)}`,
      { cause: parsed.error },
    );
  }
  const settings = parsed.data;
  refuseContradictorySettings(settings);
  const profile = profileOf(settings);
  return {
    profile,
    approvals: settings.approvals ?? defaultApprovals(profile),
    environment: environmentOf(settings),
    projectConfig: settings.projectConfig ?? 'ignored',
  };
}

function defaultApprovals(profile: SandboxProfile): ApprovalMode {
  return profile.kind === 'managed' ? 'on-request' : 'untrusted';
}

function profileOf(settings: SandboxPolicySettings): SandboxProfile {
  const kind = profileKind(settings);
  if (kind !== 'managed') return { kind };
  const entries = settings.profile === undefined ? simpleEntries(settings) : profileEntries(settings);
  if (settings.hideSecrets ?? true) {
    entries.push({ access: 'deny', kind: 'path', base: ':codex-home', path: '', setting: 'hideSecrets' });
  }
  return {
    kind,
    entries: canonicalEntries(entries),
    network: settings.profile?.network ?? settings.networkAccess ?? false,
  };
}

function simpleEntries(settings: SandboxPolicySettings): PolicyEntry[] {
  const mode = settings.mode ?? 'workspace-write';
  const entries: PolicyEntry[] = [{ access: 'read', kind: 'path', base: ':root', path: '', setting: 'mode' }];
  if (mode === 'workspace-write') {
    entries.push({ access: 'write', kind: 'path', base: ':workdir', path: '', setting: 'mode' });
  }
  if (settings.tmpAccess === true) {
    entries.push({ access: 'write', kind: 'path', base: ':tmp', path: '', setting: 'tmpAccess' });
  }
  for (const [index, grant] of (settings.extraAllowedDirs ?? []).entries()) {
    entries.push(
      pathEntry(grant.mode.startsWith('rw') ? 'write' : 'read', grant.path, `extraAllowedDirs[${index}]`),
    );
  }
  return entries;
}

function profileEntries(settings: SandboxPolicySettings): PolicyEntry[] {
  return (settings.profile?.entries ?? []).map((entry, index) =>
    parsePolicyEntry(entry, `profile.entries[${index}]`),
  );
}

function environmentOf(settings: SandboxPolicySettings): EnvironmentPolicy {
  const { inherit = 'core', exclude, includeOnly = [], set = {} } = settings.environment ?? {};
  return {
    inherit,
    exclude: inherit === 'none' ? [] : canonicalNames(exclude ?? CREDENTIAL_NAME_GLOBS),
    includeOnly: canonicalNames(includeOnly),
    set: Object.fromEntries(Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}
