import { codexApproval } from './approval-policy.ts';
import type { ResolvedSandbox } from './bind-policy.ts';
import { codexConfinement } from './codex-version.ts';
import type { EnvironmentPolicy } from './policy.ts';
import type { ConfigTable } from './toml-literal.ts';

/**
 * The top-level keys of `config.toml` that a policy decides. Whoever merges `renderConfigToml` into a file takes these out of it first:
 * a project that an older file trusts, or a sandbox mode in it, would speak beside the policy.
 */
export const CONFIG_KEYS_OWNED_BY_POLICY: readonly string[] = [
  'approval_policy',
  'approvals_reviewer',
  'default_permissions',
  'permissions',
  'projects',
  'sandbox_mode',
  'sandbox_workspace_write',
  'shell_environment_policy',
];

/**
 * The policy as members of `config.toml`; `features` is to be merged, the others replace what is there.
 * Holds the values of `environment.set`: the file must be readable by its owner only.
 */
export function renderConfigToml(resolved: ResolvedSandbox): ConfigTable {
  const config = commonConfig(resolved);
  const environment = {
    ...environmentConfig(resolved.policy.environment),
    set: resolved.policy.environment.set,
  };
  return { ...config, shell_environment_policy: environment };
}

/** What `config.toml` and an argv both say: all but the values of `environment.set`, which every user of a host could read in its process list. */
export function commonConfig(resolved: ResolvedSandbox): ConfigTable {
  const { binding, policy, profileName } = resolved;
  const approval = codexApproval(policy.approvals);
  return {
    default_permissions: profileName,
    ...(policy.profile.kind === 'managed'
      ? { permissions: { [profileName]: permissionProfile(resolved) } }
      : {}),
    ...(saysApproval(resolved) ? { approval_policy: approval.policy } : {}),
    approvals_reviewer: approval.reviewer,
    shell_environment_policy: environmentConfig(policy.environment),
    // In 0.142.5 a snapshot gives every command the whole environment back, whatever the policy took away;
    // and it lies in CODEX_HOME, where a command cannot read it once that is hidden.
    features: { shell_snapshot: false },
    projects: {
      [binding.workdir]: { trust_level: policy.projectConfig === 'trusted' ? 'trusted' : 'untrusted' },
    },
  };
}

/** 0.169 refuses the word `untrusted` here, and means it where the project is not trusted. */
function saysApproval({ binding, policy }: ResolvedSandbox): boolean {
  return policy.approvals !== 'untrusted' || !codexConfinement(binding.codexVersion).untrustedByDefaultOnly;
}

function permissionProfile({ entries, network, readsAnywhere }: ResolvedSandbox): ConfigTable {
  const filesystem: Record<string, string> = readsAnywhere ? {} : { ':minimal': 'read' };
  for (const { access, path } of entries) filesystem[path === '/' ? ':root' : path] = access;
  return { filesystem, network: { enabled: network } };
}

function environmentConfig({ exclude, includeOnly, inherit, set }: EnvironmentPolicy): ConfigTable {
  return {
    inherit,
    // Our own list holds Codex's and more; one list decides.
    ignore_default_excludes: true,
    exclude,
    // Codex applies it to what is set, too.
    include_only: includeOnly.length === 0 ? [] : [...includeOnly, ...Object.keys(set)],
  };
}
