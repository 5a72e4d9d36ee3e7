import { z } from 'zod';
import { type FileChange, fileChangeSchema } from './item.ts';

/** What the agent may do only when somebody agrees. */
export type ApprovalSubject =
  | {
      readonly type: 'command';
      readonly command: string;
      readonly cwd: string;
      /** A prefix of argv; approving with the rule lets later commands that begin with it pass unasked. */
      readonly rule?: readonly string[];
    }
  | { readonly type: 'file-change'; readonly changes: readonly FileChange[]; readonly grantRoot?: string }
  | {
      readonly type: 'permissions';
      readonly network: boolean;
      readonly read: readonly string[];
      readonly write: readonly string[];
    };

export type ApprovalAnswer = 'approve' | 'approve-for-session' | 'approve-with-rule' | 'deny' | 'abort';

/** `deny` refuses this one thing and lets the agent go on; `abort` also ends the turn. */
export type ApprovalDecision =
  | { readonly type: 'approve' }
  | { readonly type: 'approve-for-session' }
  | { readonly type: 'approve-with-rule' }
  | { readonly type: 'deny' }
  | { readonly type: 'abort' };

export interface ApprovalRequest {
  /** Unique within the conversation. */
  readonly approvalId: string;
  readonly turnId: string;
  /** The item that waits for it, when the agent has announced one. */
  readonly itemId?: string;
  /** Why the agent wants it, in its own words: show it, don't trust it. */
  readonly reason?: string;
  readonly subject: ApprovalSubject;
  /** The answers that make sense here. */
  readonly answers: readonly ApprovalAnswer[];
  /** When an unanswered request becomes a denial: milliseconds since the epoch, on the controller's clock. */
  readonly expiresAt: number;
}

/** Who settled it: a client, the approvals policy, the deadline, the agent itself, or the end of the conversation. */
export type SettledBy = 'client' | 'policy' | 'deadline' | 'agent' | 'close';

export const approvalDecisionSchema: z.ZodType<ApprovalDecision> = z.strictObject({
  type: z.enum(['approve', 'approve-for-session', 'approve-with-rule', 'deny', 'abort']),
});

export const settledBySchema: z.ZodType<SettledBy> = z.enum([
  'client',
  'policy',
  'deadline',
  'agent',
  'close',
]);

export const approvalRequestSchema: z.ZodType<ApprovalRequest> = z.looseObject({
  approvalId: z.string(),
  turnId: z.string(),
  itemId: z.string().exactOptional(),
  reason: z.string().exactOptional(),
  subject: z.discriminatedUnion('type', [
    z.looseObject({
      type: z.literal('command'),
      command: z.string(),
      cwd: z.string(),
      rule: z.array(z.string()).exactOptional(),
    }),
    z.looseObject({
      type: z.literal('file-change'),
      changes: z.array(fileChangeSchema),
      grantRoot: z.string().exactOptional(),
    }),
    z.looseObject({
      type: z.literal('permissions'),
      network: z.boolean(),
      read: z.array(z.string()),
      write: z.array(z.string()),
    }),
  ]),
  answers: z.array(z.enum(['approve', 'approve-for-session', 'approve-with-rule', 'deny', 'abort'])),
  expiresAt: z.number(),
});
