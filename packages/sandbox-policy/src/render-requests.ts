import { hostPath } from '@seedbed/host';
import { type CodexApproval, codexApproval } from './approval-policy.ts';
import type { ResolvedSandbox } from './bind-policy.ts';
import { accessAt } from './bound-entry.ts';
import { SandboxPolicyError } from './sandbox-policy-error.ts';

/**
 * Members of `thread/start`, `thread/resume`, `thread/fork` and `turn/start` that put the policy into effect.
 * `permissions` needs the connection's `experimentalApi`, and excludes `sandbox` and `sandboxPolicy`: those enums cannot hide a file,
 * and naming the profile fails where Codex does not know it.
 */
export interface PolicyParams {
  readonly permissions: string;
  readonly approvalPolicy: CodexApproval['policy'];
  readonly approvalsReviewer: CodexApproval['reviewer'];
}

/** To be passed again on `thread/resume`, which otherwise takes the values of `config.toml`. */
export function renderThreadStart(resolved: ResolvedSandbox): PolicyParams {
  const approval = codexApproval(resolved.policy.approvals);
  return {
    permissions: resolved.profileName,
    approvalPolicy: approval.policy,
    approvalsReviewer: approval.reviewer,
  };
}

export function renderTurnStart(resolved: ResolvedSandbox): PolicyParams {
  return renderThreadStart(resolved);
}

/** What Codex answers about the policy that is in effect, as far as this package reads it. Members that it does not know may be there. */
export interface ThreadPolicyAnswer {
  readonly activePermissionProfile?: { readonly id: string } | null;
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
  /** The effective policy in older words; it does not tell what is hidden. */
  readonly sandbox?: {
    readonly type: string;
    readonly networkAccess?: unknown;
    readonly writableRoots?: readonly string[];
  };
}

/**
 * Compares the answer to `thread/start`, `thread/resume` or `thread/fork` with the policy that was asked for.
 *
 * @throws {SandboxPolicyError} `not-in-effect`, saying what differs.
 */
export function verifyThreadAnswer(resolved: ResolvedSandbox, answer: ThreadPolicyAnswer): void {
  const approval = codexApproval(resolved.policy.approvals);
  const differences = [
    ...difference('permission profile', resolved.profileName, answer.activePermissionProfile?.id),
    ...difference('approval policy', approval.policy, answer.approvalPolicy),
    ...difference('approvals reviewer', approval.reviewer, answer.approvalsReviewer),
    ...sandboxDifferences(resolved, answer.sandbox),
  ];
  if (differences.length === 0) return;
  throw new SandboxPolicyError(
    'not-in-effect',
    `Codex does not run the thread under the policy that was asked for: ${differences.join('; ')}. Something else configures it: look at /etc/codex and at the task's config.toml.`,
  );
}

function sandboxDifferences(resolved: ResolvedSandbox, sandbox: ThreadPolicyAnswer['sandbox']): string[] {
  const confined = resolved.policy.profile.kind === 'managed';
  if (!confined) return difference('sandbox', 'dangerFullAccess', sandbox?.type);
  if (sandbox === undefined) return ['sandbox: nothing was said'];
  if (sandbox.type === 'dangerFullAccess') return ['sandbox: there is none'];
  const wide = (sandbox.writableRoots ?? []).filter((root) => !isWritable(resolved, root));
  return [
    ...difference('network access', resolved.network, sandbox.networkAccess),
    ...wide.map((root) => `${JSON.stringify(root)} is writable and was not granted`),
  ];
}

function isWritable(resolved: ResolvedSandbox, root: string): boolean {
  if (!root.startsWith('/')) return false;
  return accessAt(resolved.entries, hostPath(root)) === 'write';
}

function difference(what: string, wanted: string | boolean, got: unknown): string[] {
  return got === wanted
    ? []
    : [`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got ?? null)}`];
}
