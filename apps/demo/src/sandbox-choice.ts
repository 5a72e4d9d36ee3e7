import type { CodexVersion } from '@seedbed/binary-cache';
import type { Host } from '@seedbed/host';
import type { SandboxPolicySettings } from '@seedbed/sandbox-policy';
import type { CommandLine } from './command-line.ts';
import { DemoError } from './demo-error.ts';

/** The oldest supported version: root can leave its sandbox. Without a sandbox, it can be told to ask before every command. */
const older: CodexVersion = '0.142.5';

/**
 * The policy of the demonstration. Under Codex's own sandbox commands may write in the sample's folder and reach no network,
 * and Codex asks before it leaves that. Where something else is the sandbox Codex has nothing to leave:
 * 0.142 then asks before every command that is not known to be harmless, 0.169 asks nothing.
 */
export function sandboxSettings({ codex, sandbox }: CommandLine): SandboxPolicySettings {
  if (sandbox === 'codex') return { mode: 'workspace-write', approvals: 'on-request' };
  return { mode: 'external', approvals: codex === older ? 'untrusted' : 'on-request' };
}

/** One sentence for the person who watches. */
export function describeSandbox({ codex, sandbox }: CommandLine): string {
  if (sandbox === 'codex') return 'writes in the folder below only, no network';
  const asking =
    codex === older ? 'asks before it runs anything unknown' : 'does not ask before it runs anything';
  return `this machine, as you said; Codex confines nothing and ${asking}`;
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
