import type { ResolvedSandbox } from './bind-policy.ts';
import { commonConfig } from './render-config.ts';
import { contradiction } from './sandbox-policy-error.ts';
import { type ConfigTable, tomlLiteral } from './toml-literal.ts';

/**
 * The arguments that give `codex` (the TUI, also `codex resume`) the policy, to stand after the subcommand.
 * They win over `config.toml`, which has to say the rest: see `renderConfigToml`. Never put `--sandbox` beside them: it would replace the profile.
 */
export function renderCodexArgv(resolved: ResolvedSandbox): readonly string[] {
  return overrides(commonConfig(resolved));
}

/** The same for `codex app-server`; a thread is to be started with `renderThreadStart`. */
export function renderAppServerArgv(resolved: ResolvedSandbox): readonly string[] {
  return overrides(commonConfig(resolved));
}

/**
 * The same for `codex exec`, which never asks anybody: what would be asked about fails.
 *
 * @throws {SandboxPolicyError} `contradiction` for the mode `untrusted`, under which commands would run here that were to be asked about.
 */
export function renderExecArgv(resolved: ResolvedSandbox): readonly string[] {
  if (resolved.policy.approvals === 'untrusted') {
    throw contradiction(
      'approvals: untrusted',
      'codex exec',
      'it never asks, and would run every command. Use "deny-all" with a sandbox, or a conversation.',
    );
  }
  return overrides({ ...commonConfig(resolved), approval_policy: 'never', approvals_reviewer: 'user' });
}

/** The arguments of `codex` that run `command` as a command of the agent would run, but with the whole environment of the caller. */
export function renderProbeArgv(
  resolved: ResolvedSandbox,
  command: readonly [string, ...string[]],
): readonly string[] {
  const { binding, profileName } = resolved;
  return [
    'sandbox',
    ...overrides(commonConfig(resolved)),
    '-P',
    profileName,
    '-C',
    binding.workdir,
    '--',
    ...command,
  ];
}

function overrides({ features, permissions, ...rest }: ConfigTable): string[] {
  // Dotted where Codex's other members of a table are to stay as config.toml has them.
  const settings = { ...rest, ...dotted('features', features), ...dotted('permissions', permissions) };
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${tomlLiteral(value)}`]);
}

function dotted(name: string, table: ConfigTable[string] | undefined): ConfigTable {
  const members = Object.entries(table ?? {});
  return Object.fromEntries(members.map(([key, value]) => [`${name}.${key}`, value]));
}
