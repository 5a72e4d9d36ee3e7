import type { ConversationState } from './conversation-state.ts';
import type { EventMessage } from './event.ts';

/**
 * What has to be said in a log whose session was killed before it could say it: nobody answers what was pending, turns did not end, the session is over.
 * Nothing for a log that is whole.
 */
export function endsOfLostSession(state: ConversationState): readonly EventMessage[] {
  if (state.status === 'closed' || state.lastSeq === 0) return [];
  const message = 'The session was cut off.';
  return [
    ...state.pendingApprovals.map(
      ({ approvalId }): EventMessage => ({
        type: 'approval-resolved',
        approvalId,
        decision: { type: 'abort' },
        by: 'close',
      }),
    ),
    ...state.pendingQuestions.map(
      ({ questionId }): EventMessage => ({
        type: 'question-answered',
        questionId,
        result: 'cancelled',
        by: 'close',
      }),
    ),
    ...state.turns
      .filter(({ outcome }) => outcome === undefined)
      .map(
        ({ turnId }): EventMessage => ({
          type: 'turn-completed',
          turnId,
          outcome: { status: 'failed', failure: { code: 'agent-lost', message } },
        }),
      ),
    { type: 'closed', reason: 'lost', message },
  ];
}
