import type { CodexConversation } from '@seedbed/agent-codex';
import type { ApprovalDecision, ApprovalRequest, EventMessage } from '@seedbed/conversation-protocol';
import type { AnswerApproval } from './approval-answers.ts';
import type { ConversationView } from './terminal/conversation-view.ts';

interface OpenApproval {
  readonly signal: AbortSignal;
  readonly decide: (decision: ApprovalDecision) => void;
}

/**
 * Prints a conversation and has its approvals answered in one go, so that nothing is printed over a question
 * and nothing is asked before what led to it has been shown.
 */
export interface ConversationFollower {
  /** To be given to the conversation as its handler. */
  readonly onApproval: (
    request: ApprovalRequest,
    options: { readonly signal: AbortSignal },
  ) => Promise<ApprovalDecision>;
  /**
   * Resolves when the turn and every command that was begun in it have been seen to end, or after so many milliseconds:
   * Codex 0.142 may report the end of a command after the end of its turn.
   */
  turnAndCommandsEnded(withinMs: number): Promise<void>;
  /** Ends after the conversation. */
  follow(
    conversation: Pick<CodexConversation, 'events'>,
    to: { readonly view: ConversationView; readonly answer: AnswerApproval },
  ): Promise<void>;
}

export function createConversationFollower(): ConversationFollower {
  const open = new Map<string, OpenApproval>();
  const running = new Set<string>();
  let turnEnded = false;
  const allEnded = Promise.withResolvers<void>();

  function count(msg: EventMessage): void {
    if (msg.type === 'item-started' && msg.item.kind === 'command') running.add(msg.item.itemId);
    if (msg.type === 'item-completed') running.delete(msg.item.itemId);
    if (msg.type === 'turn-completed') turnEnded = true;
    if ((turnEnded && running.size === 0) || msg.type === 'closed') allEnded.resolve();
  }

  return {
    onApproval({ approvalId }, { signal }) {
      const { promise, resolve } = Promise.withResolvers<ApprovalDecision>();
      open.set(approvalId, { signal, decide: resolve });
      return promise;
    },
    async turnAndCommandsEnded(withinMs) {
      const patience = setTimeout(allEnded.resolve, withinMs);
      await allEnded.promise;
      clearTimeout(patience);
    },
    async follow(conversation, { view, answer }) {
      for await (const { msg } of conversation.events()) {
        view.show(msg);
        count(msg);
        if (msg.type !== 'approval-requested') continue;
        const waiting = open.get(msg.approval.approvalId);
        open.delete(msg.approval.approvalId);
        // Settled meanwhile, by its deadline or the end of the turn.
        if (waiting === undefined || waiting.signal.aborted) continue;
        view.showApproval(msg.approval);
        waiting.decide(await answer(msg.approval, waiting.signal));
      }
    },
  };
}
