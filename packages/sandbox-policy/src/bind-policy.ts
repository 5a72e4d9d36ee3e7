import { type HostPath, hostPath, joinHostPath } from '@seedbed/host';
import { refuseBoundContradictions, refuseInexpressible } from './bound-contradictions.ts';
import { type BoundEntry, grantsRoot } from './bound-entry.ts';
import { type CodexConfinement, codexConfinement } from './codex-version.ts';
import { impliedEntries } from './implied-entries.ts';
import type { PolicyEntry, PolicySymbol, SandboxPolicy } from './policy.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/** Where a policy is to hold. Every path is canonical: `resolveSandboxPolicy` finds it out on the host. */
export interface SandboxBinding {
  /** As `codex --version` prints it, such as `0.169.0`. */
  readonly codexVersion: string;
  /** The numeric user id that Codex runs as; 0 is root. */
  readonly uid: number;
  readonly workdir: HostPath;
  readonly codexHome: HostPath;
  /** The home of the host's user: what `~` and `:home` mean. Not the task's own `HOME`. */
  readonly home: HostPath;
  /** The host's shared folder for temporary files: what `:tmp` means. */
  readonly tmp: HostPath;
  /** The task's own `HOME`. The files in it that shells and git read on their own are kept from being written. */
  readonly taskHome?: HostPath;
  /** The task's own `TMPDIR`, writable wherever the workdir is. */
  readonly taskTmp?: HostPath;
  /** The folder that holds Codex's binary and its resources. Needed by a profile that does not read `:root`: Codex itself runs inside the sandbox. */
  readonly codexTree?: HostPath;
  /** Hidden from every command whatever the policy says: the folder of a terminal's control socket, the folder of all tasks. The task's own workdir may lie inside. */
  readonly unreachable?: readonly HostPath[];
  /** Lets root run a version whose sandbox root can leave. The commands are then as powerful as root. */
  readonly allowEscapableRoot?: boolean;
}

/** A policy on a host: what the renderers say and the probe tries. Made by `bindSandboxPolicy`. */
export interface ResolvedSandbox {
  readonly policy: SandboxPolicy;
  readonly binding: SandboxBinding;
  /** The name under which Codex knows the profile. */
  readonly profileName: string;
  /** Sorted by path, each path once. Empty unless the profile is managed. */
  readonly entries: readonly BoundEntry[];
  /** Whether commands may read whatever the host's user may, except what is denied. */
  readonly readsAnywhere: boolean;
  readonly network: boolean;
}

/** Codex's name for no sandbox. */
const UNCONFINED_PROFILE = ':danger-full-access';
const MANAGED_PROFILE = 'seedbed';

/**
 * Binds the symbols of a policy to a host and refuses what cannot hold there. Pure: it takes the paths as canonical.
 *
 * @throws {SandboxPolicyError} `contradiction`, `unsupported-by-version`, `root-refused`, `invalid-policy`.
 */
export function bindSandboxPolicy(policy: SandboxPolicy, binding: SandboxBinding): ResolvedSandbox {
  const confinement = codexConfinement(binding.codexVersion);
  const { profile } = policy;
  refuseTrustedUntrusted(policy, binding, confinement);
  if (profile.kind !== 'managed') {
    return {
      policy,
      binding,
      profileName: UNCONFINED_PROFILE,
      entries: [],
      readsAnywhere: true,
      network: true,
    };
  }
  refuseEscapableRoot(binding, confinement.rootEscapes);
  const asked = profile.entries.map((entry) => bindEntry(entry, binding));
  refuseInexpressible(asked, binding, confinement);
  refuseBoundContradictions(asked, binding);
  return {
    policy,
    binding,
    profileName: MANAGED_PROFILE,
    entries: [...asked, ...impliedEntries(asked, binding)].sort((a, b) => (a.path < b.path ? -1 : 1)),
    readsAnywhere: grantsRoot(asked),
    network: profile.network,
  };
}

/** The folder that a symbol means on a host. */
export function symbolPath(
  symbol: PolicySymbol,
  binding: Pick<SandboxBinding, 'workdir' | 'tmp' | 'home' | 'codexHome'>,
): HostPath {
  if (symbol === ':root') return hostPath('/');
  if (symbol === ':workdir') return binding.workdir;
  if (symbol === ':tmp') return binding.tmp;
  return symbol === ':home' ? binding.home : binding.codexHome;
}

function bindEntry({ access, kind, base, path, setting }: PolicyEntry, binding: SandboxBinding): BoundEntry {
  return { access, kind, path: joinHostPath(symbolPath(base, binding), path), setting };
}

/** Where Codex knows the mode only as the default of a project that it does not trust, a trusted one cannot have it. */
function refuseTrustedUntrusted(
  { approvals, projectConfig }: SandboxPolicy,
  { codexVersion }: SandboxBinding,
  { untrustedByDefaultOnly }: CodexConfinement,
): void {
  if (!untrustedByDefaultOnly || approvals !== 'untrusted' || projectConfig !== 'trusted') return;
  throw new SandboxPolicyError(
    'unsupported-by-version',
    `Codex ${codexVersion} asks before every command ("approvals": "untrusted") only in a project that it does not trust. Set \`projectConfig\` to "ignored", or \`approvals\` to "on-request".`,
  );
}

function refuseEscapableRoot(
  { allowEscapableRoot = false, codexVersion, uid }: SandboxBinding,
  rootEscapes: boolean,
): void {
  if (uid !== 0 || !rootEscapes || allowEscapableRoot) return;
  throw new SandboxPolicyError(
    'root-refused',
    `The sandbox of Codex ${codexVersion} does not hold root: a command keeps root's capabilities and can remount its way out. Run as an ordinary user, use Codex 0.169.0 or newer, or accept it with \`allowEscapableRoot: true\`.`,
  );
}
