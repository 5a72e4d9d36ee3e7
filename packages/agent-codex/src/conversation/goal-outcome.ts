import type { ClosedReason, ConversationEvent, Goal } from '@seedbed/conversation-protocol';
import { AgentCodexError } from '../agent-codex-error.ts';

/** How the pursuit of a goal ended. `paused` and `cleared`: somebody stopped it; `blocked` and the limits: Codex did. */
export interface GoalOutcome {
  readonly status: 'complete' | 'blocked' | 'usage-limited' | 'budget-limited' | 'paused' | 'cleared';
  /** As it was last reported. */
  readonly goal: Goal;
  /** Turns that Codex ran for it. */
  readonly turns: number;
}

/**
 * Follows a goal to its end, and to the end of the turn in which it came.
 * @throws {AgentCodexError} `aborted` by the signal, `agent-lost` or `closed` when the conversation ends first.
 */
export async function followGoal(
  events: AsyncIterable<ConversationEvent>,
  start: Goal,
  signal: AbortSignal | undefined,
): Promise<GoalOutcome> {
  let goal = start;
  let turns = 0;
  let running = false;
  let status: GoalOutcome['status'] | undefined;
  for await (const { msg } of events) {
    switch (msg.type) {
      case 'turn-started':
        turns += 1;
        running = true;
        break;
      case 'turn-completed':
        running = false;
        break;
      case 'goal-cleared':
        status = 'cleared';
        break;
      case 'goal-updated':
        goal = msg.goal;
        status = goal.status === 'active' ? undefined : goal.status;
        break;
      case 'closed':
        throw endedTooEarly(msg.reason, msg.message);
    }
    if (status !== undefined && !running) return { status, goal, turns };
  }
  if (signal?.aborted)
    throw new AgentCodexError('aborted', 'Following the goal was given up; the goal itself goes on.', {
      cause: signal.reason,
    });
  throw endedTooEarly('requested');
}

function endedTooEarly(
  reason: ClosedReason,
  message = 'The conversation ended before its goal.',
): AgentCodexError {
  return new AgentCodexError(reason === 'lost' ? 'agent-lost' : 'closed', message);
}
