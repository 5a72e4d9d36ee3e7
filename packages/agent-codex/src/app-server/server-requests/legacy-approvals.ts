import type { ApprovalDecision, FileChange } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { invalidParams, type ServerRequestHandler } from './server-request.ts';

const base = { conversationId: z.string(), callId: z.string(), reason: z.string().nullish() };

const commandParams = z.looseObject({ ...base, command: z.array(z.string()), cwd: z.string() });

const patchParams = z.looseObject({
  ...base,
  grantRoot: z.string().nullish(),
  fileChanges: z.record(
    z.string(),
    z.looseObject({
      type: z.enum(['add', 'delete', 'update']),
      content: z.string().nullish(),
      unified_diff: z.string().nullish(),
      move_path: z.string().nullish(),
    }),
  ),
});

/** The approvals of the first app-server protocol, which both supported versions still declare. */
export const legacyCommandApproval: ServerRequestHandler = {
  method: 'execCommandApproval',
  async answer(params, desk) {
    const parsed = commandParams.safeParse(params);
    if (!parsed.success) throw invalidParams('execCommandApproval');
    const { callId, reason, command, cwd } = parsed.data;
    const decision = await desk.approve({
      itemId: callId,
      ...(reason ? { reason } : {}),
      subject: { type: 'command', command: command.join(' '), cwd },
      answers: ['approve', 'approve-for-session', 'deny', 'abort'],
    });
    return { decision: reviewDecision(decision, desk.legacyDenial) };
  },
};

export const legacyPatchApproval: ServerRequestHandler = {
  method: 'applyPatchApproval',
  async answer(params, desk) {
    const parsed = patchParams.safeParse(params);
    if (!parsed.success) throw invalidParams('applyPatchApproval');
    const { callId, reason, grantRoot, fileChanges } = parsed.data;
    const changes = Object.entries(fileChanges).map(
      ([path, change]): FileChange => ({
        path,
        kind: change.type,
        diff: change.unified_diff ?? change.content ?? '',
        ...(change.move_path ? { movedTo: change.move_path } : {}),
      }),
    );
    const decision = await desk.approve({
      itemId: callId,
      ...(reason ? { reason } : {}),
      subject: { type: 'file-change', changes, ...(grantRoot ? { grantRoot } : {}) },
      answers: ['approve', 'approve-for-session', 'deny', 'abort'],
    });
    return { decision: reviewDecision(decision, desk.legacyDenial) };
  },
};

function reviewDecision(decision: ApprovalDecision, denial: unknown): unknown {
  switch (decision.type) {
    case 'approve':
    case 'approve-with-rule':
      return 'approved';
    case 'approve-for-session':
      return 'approved_for_session';
    case 'deny':
      return denial;
    case 'abort':
      return 'abort';
  }
}
