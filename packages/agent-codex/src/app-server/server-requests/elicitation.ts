import type { QuestionSubject } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { RefusedServerRequest, type ServerRequestHandler } from './server-request.ts';

const method = 'mcpServer/elicitation/request';

const base = { turnId: z.string().nullish(), serverName: z.string(), message: z.string() };

const paramsSchema = z.union([
  z.looseObject({ ...base, mode: z.literal('url'), url: z.string() }),
  z.looseObject({
    ...base,
    mode: z.enum(['form', 'openai/form', 'openaiForm']),
    requestedSchema: z.record(z.string(), z.unknown()),
  }),
]);

/** A question of an MCP server, passed on by Codex. A mode that this client does not know is cancelled, which is a valid answer to any. */
export const elicitation: ServerRequestHandler = {
  method,
  async answer(params, desk) {
    const parsed = paramsSchema.safeParse(params);
    if (!parsed.success) {
      if (z.looseObject({ mode: z.string() }).safeParse(params).success) return reply('cancel');
      throw new RefusedServerRequest(-32602, `${method} came without a mode.`);
    }
    const { turnId, serverName: server, message } = parsed.data;
    const subject: QuestionSubject =
      parsed.data.mode === 'url'
        ? { type: 'visit', server, message, url: parsed.data.url }
        : { type: 'form', server, message, schema: parsed.data.requestedSchema };
    const answer = await desk.ask({ ...(turnId ? { turnId } : {}), subject });
    switch (answer.type) {
      case 'content':
        return reply('accept', answer.content);
      case 'answers':
        return reply(
          'accept',
          Object.fromEntries(Object.entries(answer.answers).map(([key, [first]]) => [key, first ?? ''])),
        );
      default:
        return reply(answer.type);
    }
  },
};

function reply(action: 'accept' | 'decline' | 'cancel', content: unknown = null): unknown {
  return { action, content, _meta: null };
}
