import type { PolicyEntry, SandboxPolicy } from './policy.ts';
import type { EntrySetting, SandboxPolicySettings } from './policy-settings.ts';
import { contradiction } from './sandbox-policy-error.ts';

/**
 * Sorts entries and drops what is said twice. @throws {SandboxPolicyError} `contradiction` when one target is given two accesses.
 */
export function canonicalEntries(entries: readonly PolicyEntry[]): readonly PolicyEntry[] {
  const byTarget = new Map<string, PolicyEntry>();
  for (const entry of entries) {
    const target = entryTarget(entry);
    const earlier = byTarget.get(target);
    if (earlier === undefined) byTarget.set(target, entry);
    else if (earlier.access !== entry.access) {
      throw contradiction(
        earlier.setting,
        entry.setting,
        `one gives ${earlier.access} and the other ${entry.access} on ${describeEntryTarget(entry)}. Leave one of them out.`,
      );
    }
  }
  return [...byTarget].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/** Upper case, sorted, each once: how names are matched without regard to case. */
export function canonicalNames(names: readonly string[]): readonly string[] {
  return [...new Set(names.map((name) => name.toUpperCase()))].sort();
}

/** Whether two policies mean the same, in whatever order and words they were given. */
export function equalPolicies(a: SandboxPolicy, b: SandboxPolicy): boolean {
  return JSON.stringify(toPolicySettings(a)) === JSON.stringify(toPolicySettings(b));
}

/** The settings that `parseSandboxPolicy` reads as an equal policy: what to store with a session. Holds the values of `environment.set`. */
export function toPolicySettings(policy: SandboxPolicy): SandboxPolicySettings {
  const { profile, approvals, environment, projectConfig } = policy;
  const { inherit, exclude, includeOnly, set } = environment;
  const rest = {
    approvals,
    environment: inherit === 'none' ? { inherit, set } : { inherit, exclude, includeOnly, set },
    projectConfig,
  };
  if (approvals === 'dangerously-bypass-approvals-and-sandbox') return rest;
  if (profile.kind !== 'managed') return { profile: { kind: profile.kind }, ...rest };
  const entries = profile.entries.map(toEntrySetting);
  return { profile: { kind: 'managed', entries, network: profile.network }, hideSecrets: false, ...rest };
}

function toEntrySetting({ access, kind, base, path }: PolicyEntry): EntrySetting {
  if (kind === 'path')
    return path === '' ? { access, symbol: base } : { access, symbol: base, subpath: path };
  return { access, glob: describeEntryTarget({ kind, base, path }) };
}

/** A target as people write it. */
function describeEntryTarget({ base, path }: Pick<PolicyEntry, 'kind' | 'base' | 'path'>): string {
  if (base === ':root') return `/${path}`;
  if (base === ':home') return path === '' ? '~' : `~/${path}`;
  if (base === ':workdir' && path !== '') return path;
  return path === '' ? base : `${base}/${path}`;
}

function entryTarget({ kind, base, path }: PolicyEntry): string {
  return `${base}\0${path}\0${kind}`;
}
