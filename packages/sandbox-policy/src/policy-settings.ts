import { z } from 'zod';

const access = z.enum(['read', 'write', 'deny']);
const symbol = z.enum([':root', ':workdir', ':tmp', ':home', ':codex-home']);
const text = z.string().min(1);
const variableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a variable is named by letters, digits and _');
const variableValue = z.string().refine((value) => !value.includes('\0'), 'a variable cannot hold a NUL');
const variablePattern = z.string().regex(/^[A-Za-z0-9_*?]+$/, 'a pattern is letters, digits, _, * and ?');

const entrySchema = z.union([
  z.strictObject({ access, path: text }),
  z.strictObject({ access, glob: text }),
  z.strictObject({ access, symbol, subpath: text.optional() }),
]);

const profileSchema = z.strictObject({
  kind: z.enum(['managed', 'disabled', 'external']),
  entries: z.array(entrySchema).optional(),
  network: z.boolean().optional(),
});

const environmentSchema = z.strictObject({
  inherit: z.enum(['core', 'all', 'none']).optional(),
  exclude: z.array(variablePattern).optional(),
  includeOnly: z.array(variablePattern).optional(),
  set: z.record(variableName, variableValue).optional(),
});

/** What a caller may say: strict, because it is ours. Everything is optional; see the package's README for the defaults. */
export const policySettingsSchema: z.ZodType<SandboxPolicySettings> = z.strictObject({
  mode: z.enum(['read-only', 'workspace-write', 'danger-full-access', 'external']).optional(),
  fsIsolation: z.boolean().optional(),
  extraAllowedDirs: z
    .array(z.strictObject({ path: text, mode: z.enum(['ro', 'rw', 'rox', 'rwx']) }))
    .optional(),
  networkAccess: z.boolean().optional(),
  tmpAccess: z.boolean().optional(),
  approvals: z
    .enum(['deny-all', 'auto-review', 'on-request', 'untrusted', 'dangerously-bypass-approvals-and-sandbox'])
    .optional(),
  profile: profileSchema.optional(),
  hideSecrets: z.boolean().optional(),
  environment: environmentSchema.optional(),
  projectConfig: z.enum(['ignored', 'trusted']).optional(),
});

/** One entry as a caller writes it: on a path (absolute, or below `~`), a glob (absolute, below `~`, or relative to the workdir), or a symbol. */
export type EntrySetting =
  | { readonly access: 'read' | 'write' | 'deny'; readonly path: string }
  | { readonly access: 'read' | 'write' | 'deny'; readonly glob: string }
  | {
      readonly access: 'read' | 'write' | 'deny';
      readonly symbol: ':root' | ':workdir' | ':tmp' | ':home' | ':codex-home';
      readonly subpath?: string | undefined;
    };

export interface AllowedDirectory {
  /** Absolute, or below `~`, the home of the host's user. */
  readonly path: string;
  /** Codex cannot withhold execution: `rox` is the same as `ro`, and `rwx` as `rw`. */
  readonly mode: 'ro' | 'rw' | 'rox' | 'rwx';
}

/** The simple face of a policy. `{}` is a good policy: the agent writes in its workdir, reaches no network, and does not see its own secrets. */
export interface SandboxPolicySettings {
  /** `workspace-write` by default. `external`: something outside of Codex, such as a container, is the sandbox. */
  readonly mode?: 'read-only' | 'workspace-write' | 'danger-full-access' | 'external' | undefined;
  /** `false` is the older word for `danger-full-access`; `true` insists on a sandbox of Codex. */
  readonly fsIsolation?: boolean | undefined;
  readonly extraAllowedDirs?: readonly AllowedDirectory[] | undefined;
  /** Off by default. On, commands reach every service on the host too, and its abstract Unix sockets. */
  readonly networkAccess?: boolean | undefined;
  /** Whether commands may write in the host's shared folder for temporary files. Off by default: the task has its own. */
  readonly tmpAccess?: boolean | undefined;
  /** `on-request` by default; `untrusted` where Codex confines nothing, because then it is the only mode that asks. */
  readonly approvals?:
    | 'deny-all'
    | 'auto-review'
    | 'on-request'
    | 'untrusted'
    | 'dangerously-bypass-approvals-and-sandbox'
    | undefined;
  /** The whole profile, instead of `mode`, `fsIsolation`, `extraAllowedDirs`, `networkAccess` and `tmpAccess`. */
  readonly profile?:
    | {
        readonly kind: 'managed' | 'disabled' | 'external';
        readonly entries?: readonly EntrySetting[] | undefined;
        readonly network?: boolean | undefined;
      }
    | undefined;
  /** Whether `CODEX_HOME`, with the task's login in it, is hidden from commands. On by default wherever Codex confines. */
  readonly hideSecrets?: boolean | undefined;
  readonly environment?:
    | {
        readonly inherit?: 'core' | 'all' | 'none' | undefined;
        /** Replaces the default list, which is every name that looks like a credential's. */
        readonly exclude?: readonly string[] | undefined;
        readonly includeOnly?: readonly string[] | undefined;
        readonly set?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
  /** `ignored` by default; see {@link SandboxPolicy.projectConfig}. */
  readonly projectConfig?: 'ignored' | 'trusted' | undefined;
}
