/** What a command of the agent may do with a file. `deny` hides it: neither read nor written. */
export type FileAccess = 'read' | 'write' | 'deny';

/**
 * A place that is known only once a host is chosen. `:workdir` is the task's folder, `:tmp` the host's folder for temporary files,
 * `:home` the home of the host's user (what `~` means), `:codex-home` the task's `CODEX_HOME`.
 */
export type PolicySymbol = ':root' | ':workdir' | ':tmp' | ':home' | ':codex-home';

export interface PolicyEntry {
  readonly access: FileAccess;
  /** `path` is that file or folder with all that is in it; `glob` is every file that matches when a command starts, and is only ever denied. */
  readonly kind: 'path' | 'glob';
  readonly base: PolicySymbol;
  /** Relative to `base`; `''` is the base itself. */
  readonly path: string;
  /** The setting that it came from, for messages. No part of what the entry means: equal policies may differ in it. */
  readonly setting: string;
}

/**
 * Who confines the agent's commands: Codex under these entries (`managed`), nobody (`disabled`), or somebody outside of Codex, such as a container (`external`).
 */
export type SandboxProfile =
  | { readonly kind: 'managed'; readonly entries: readonly PolicyEntry[]; readonly network: boolean }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'external' };

/**
 * Who is asked before a command runs that the sandbox would not let run.
 *
 * - `deny-all`: nobody; such a command fails.
 * - `auto-review`: a reviewing model of Codex's own.
 * - `on-request`: the user, when the agent asks to leave the sandbox.
 * - `untrusted`: the user, before every command that is not known to be harmless.
 * - `dangerously-bypass-approvals-and-sandbox`: nobody, and nothing confines the command.
 */
export type ApprovalMode =
  | 'deny-all'
  | 'auto-review'
  | 'on-request'
  | 'untrusted'
  | 'dangerously-bypass-approvals-and-sandbox';

/** Which variables the agent's commands see. Patterns are globs of `*` and `?`, matched without regard to case. */
export interface EnvironmentPolicy {
  /** Where it starts from: the few that every program needs, all of Codex's own, or none. */
  readonly inherit: 'core' | 'all' | 'none';
  /** Names that are not inherited. */
  readonly exclude: readonly string[];
  /** When there are any, only these names are inherited. */
  readonly includeOnly: readonly string[];
  /** Variables that every command gets, whatever was excluded. */
  readonly set: Readonly<Record<string, string>>;
}

/** A policy in its one canonical form. Plain data; made by `parseSandboxPolicy`, compared by `equalPolicies`. */
export interface SandboxPolicy {
  readonly profile: SandboxProfile;
  readonly approvals: ApprovalMode;
  readonly environment: EnvironmentPolicy;
  /**
   * Whether Codex may take settings from the `.codex` folder of the project that it works on. Such settings can start programs outside of the sandbox
   * and widen it, so they are ignored unless the caller vouches for the project.
   */
  readonly projectConfig: 'ignored' | 'trusted';
}
