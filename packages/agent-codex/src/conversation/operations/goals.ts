import type { Goal } from '@seedbed/conversation-protocol';
import { z } from 'zod';
import { AgentCodexError } from '../../agent-codex-error.ts';
import { parseGoal } from '../../app-server/notification-mapping.ts';
import type { SessionContext } from '../session-context.ts';

/** Gives the agent something to work towards; it starts turns by itself until it is done, blocked, or out of its budget. */
export async function setGoal(
  context: SessionContext,
  objective: string,
  tokenBudget: number | undefined,
): Promise<Goal> {
  const { server, threadId } = context;
  const answer = await server.request('thread/goal/set', {
    threadId,
    objective,
    status: 'active',
    ...(tokenBudget === undefined ? {} : { tokenBudget }),
  });
  const parsed = z.looseObject({ goal: z.unknown() }).safeParse(answer);
  const goal = parsed.success ? parseGoal(parsed.data.goal) : undefined;
  if (goal === undefined)
    throw new AgentCodexError('agent-error', 'Codex answered thread/goal/set without a goal.');
  return goal;
}

export async function clearGoal({ server, threadId }: SessionContext): Promise<void> {
  await server.request('thread/goal/clear', { threadId });
}
