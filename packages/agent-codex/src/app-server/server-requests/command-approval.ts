import type { ApprovalAnswer } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { invalidParams, type ServerRequestHandler } from './server-request.ts';

const method = 'item/commandExecution/requestApproval';

const paramsSchema = z.looseObject({
  turnId: z.string(),
  itemId: z.string(),
  reason: z.string().nullish(),
  command: z.string().nullish(),
  cwd: z.string().nullish(),
  networkApprovalContext: z.looseObject({ host: z.string(), protocol: z.string().nullish() }).nullish(),
  proposedExecpolicyAmendment: z.array(z.string()).nullish(),
});

/**
 * `decline` is accepted although Codex does not list it among `availableDecisions`; the model is told and goes on.
 * `cancel` also interrupts the turn. Both measured with 0.142.5 and 0.169.0.
 */
export const commandApproval: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) throw invalidParams(method);
    const { turnId, itemId, reason, command, cwd, networkApprovalContext: network } = parsed.data;
    const rule = parsed.data.proposedExecpolicyAmendment ?? undefined;
    const answers: ApprovalAnswer[] = [
      'approve',
      'approve-for-session',
      ...(rule ? (['approve-with-rule'] as const) : []),
      'deny',
      'abort',
    ];
    const decision = await desk.approve({
      turnId,
      itemId,
      ...(reason ? { reason } : network ? { reason: `Network access to ${network.host}` } : {}),
      subject: { type: 'command', command: command ?? '', cwd: cwd ?? '', ...(rule ? { rule } : {}) },
      answers,
    });
    switch (decision.type) {
      case 'approve':
        return { decision: 'accept' };
      case 'approve-for-session':
        return { decision: 'acceptForSession' };
      case 'approve-with-rule':
        return { decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: rule ?? [] } } };
      case 'deny':
        return { decision: 'decline' };
      case 'abort':
        return { decision: 'cancel' };
    }
  },
};
