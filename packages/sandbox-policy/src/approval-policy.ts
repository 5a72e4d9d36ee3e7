import type { ApprovalMode } from './policy.ts';

/** Codex's two settings for what we call the approval mode. */
export interface CodexApproval {
  readonly policy: 'never' | 'on-request' | 'untrusted';
  readonly reviewer: 'user' | 'auto_review';
}

export function codexApproval(mode: ApprovalMode): CodexApproval {
  if (mode === 'auto-review') return { policy: 'on-request', reviewer: 'auto_review' };
  if (mode === 'on-request' || mode === 'untrusted') return { policy: mode, reviewer: 'user' };
  return { policy: 'never', reviewer: 'user' };
}
