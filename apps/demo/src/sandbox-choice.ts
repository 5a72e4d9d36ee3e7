import type { CodexVersion } from '@seedbed/binary-cache';
import type { Host } from '@seedbed/host';
import type { SandboxPolicySettings } from '@seedbed/sandbox-policy';
import type { CommandLine } from './command-line.ts';
import { DemoError } from './demo-error.ts';

/** The oldest supported version: root can leave its sandbox, and a command that is allowed stays in it. */
const older: CodexVersion = '0.142.5';

/**
 * The policy of the demonstration. Under Codex's own sandbox commands may write in the sample's folder and reach no network, and Codex asks
 * before it goes beyond that. Where something else is the sandbox there is nothing to go beyond: it asks before whatever is not known to be harmless.
 */
export function sandboxSettings({ sandbox }: CommandLine): SandboxPolicySettings {
  if (sandbox === 'codex') return { mode: 'workspace-write', approvals: 'on-request' };
  return { mode: 'external', approvals: 'untrusted' };
}

/** One sentence for the person who watches. */
export function describeSandbox({ sandbox }: CommandLine): string {
  if (sandbox === 'codex') return 'writes in the folder below only, no network';
  return 'this machine, as you said; Codex confines nothing';
}

/** What a yes to a command opens, beside the command itself; docs/facts/codex-sandbox.md has it measured. */
export function whatYesOpens({ codex, sandbox }: CommandLine): string | undefined {
  if (sandbox === 'external' || codex === older) return undefined;
  return 'Allowed, it may write outside of the folder too; the network stays closed.';
}

/**
 * Before anything is fetched for it.
 * @throws {DemoError} `root-refused`.
 */
export function refuseEscapableRoot(host: Host, { codex, sandbox }: CommandLine): void {
  if (host.uid !== 0 || codex !== older || sandbox === 'external') return;
  throw new DemoError(
    'root-refused',
    `You are root, and root can leave the sandbox of Codex ${codex}. Run the demonstration as another user, or with a newer Codex; in a container that may count as the sandbox itself, with --sandbox external.`,
  );
}
