import { z } from 'zod';
import { invalidParams, type ServerRequestHandler } from './server-request.ts';

const method = 'item/permissions/requestApproval';

const paths = z.array(z.string()).nullish();

const fileSystem = z.looseObject({
  read: paths,
  write: paths,
  entries: z.array(z.looseObject({ path: z.unknown().optional(), access: z.string() })).nullish(),
});

const paramsSchema = z.looseObject({
  turnId: z.string(),
  itemId: z.string(),
  reason: z.string().nullish(),
  permissions: z.looseObject({
    network: z.looseObject({ enabled: z.boolean().nullish() }).nullish(),
    fileSystem: fileSystem.nullish(),
  }),
});

/** What is granted is exactly what was shown: members of the request that this client has no words for are not granted. */
export const permissionsApproval: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) throw invalidParams(method);
    const { turnId, itemId, reason, permissions } = parsed.data;
    const network = permissions.network?.enabled === true;
    const read = permissions.fileSystem?.read ?? [];
    const write = permissions.fileSystem?.write ?? [];
    const decision = await desk.approve({
      turnId,
      itemId,
      ...(reason ? { reason } : {}),
      subject: { type: 'permissions', network, read, write },
      answers: ['approve', 'approve-for-session', 'deny', 'abort'],
    });
    if (decision.type === 'abort') desk.interrupt();
    if (decision.type !== 'approve' && decision.type !== 'approve-for-session')
      return { permissions: {}, scope: 'turn' };
    return {
      permissions: {
        ...(network ? { network: { enabled: true } } : {}),
        ...(read.length + write.length > 0 ? { fileSystem: { read, write } } : {}),
      },
      scope: decision.type === 'approve' ? 'turn' : 'session',
    };
  },
};
