import type { RateLimitWindow } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import { parseRateLimits } from '../../app-server/notification-mapping.ts';
import type { SessionContext } from '../session-context.ts';

export interface RateLimits {
  readonly windows: readonly RateLimitWindow[];
  /** Nothing is left in at least one of them. */
  readonly reached: boolean;
}

/** What the login that Codex uses has left. Asks the provider. */
export async function readRateLimits({ server }: Pick<SessionContext, 'server'>): Promise<RateLimits> {
  const answer = z
    .looseObject({ rateLimits: z.unknown() })
    .safeParse(await server.request('account/rateLimits/read', {}));
  const limits = answer.success ? parseRateLimits(answer.data.rateLimits) : undefined;
  if (limits === undefined)
    throw new AgentCodexError('agent-error', 'Codex answered account/rateLimits/read without limits.');
  return { windows: limits.windows, reached: limits.reached };
}
