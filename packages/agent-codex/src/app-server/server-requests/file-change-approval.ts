import { z } from 'zod';
import { invalidParams, type ServerRequestHandler } from './server-request.ts';

const method = 'item/fileChange/requestApproval';

const paramsSchema = z.looseObject({
  turnId: z.string(),
  itemId: z.string(),
  reason: z.string().nullish(),
  grantRoot: z.string().nullish(),
});

export const fileChangeApproval: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) throw invalidParams(method);
    const { turnId, itemId, reason, grantRoot } = parsed.data;
    const decision = await desk.approve({
      turnId,
      itemId,
      ...(reason ? { reason } : {}),
      subject: {
        type: 'file-change',
        changes: desk.announcedChanges(itemId),
        ...(grantRoot ? { grantRoot } : {}),
      },
      answers: ['approve', 'approve-for-session', 'deny', 'abort'],
    });
    switch (decision.type) {
      case 'approve':
        return { decision: 'accept' };
      case 'approve-for-session':
        return { decision: 'acceptForSession' };
      case 'abort':
        return { decision: 'cancel' };
      default:
        return { decision: 'decline' };
    }
  },
};
