import type { RateLimitWindow } from '@seedbed/conversation-protocol';
import type { Quota } from '@seedbed/seeds';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import { parseRateLimits } from '../../app-server/notification-mapping.ts';
import { readCodexQuota } from '../../login/codex-quota.ts';
import type { SessionContext } from '../session-context.ts';

export interface RateLimits {
  readonly windows: readonly RateLimitWindow[];
  /** Nothing is left in at least one of them. */
  readonly reached: boolean;
  /** The same as a seed keeps it, with the limits that single models have of their own. `undefined` where no window is named. */
  readonly quota: Quota | undefined;
}

/** What the login that Codex uses has left. Asks the provider. */
export async function readRateLimits({ server }: Pick<SessionContext, 'server'>): Promise<RateLimits> {
  const raw = await server.request('account/rateLimits/read', {});
  const answer = z.looseObject({ rateLimits: z.unknown() }).safeParse(raw);
  const limits = answer.success ? parseRateLimits(answer.data.rateLimits) : undefined;
  if (limits === undefined)
    throw new AgentCodexError('agent-error', 'Codex answered account/rateLimits/read without limits.');
  return { windows: limits.windows, reached: limits.reached, quota: readCodexQuota(raw, Date.now()) };
}
