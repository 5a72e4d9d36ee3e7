import type {
  ApprovalDecision,
  ApprovalRequest,
  EventMessage,
  FileChange,
  QuestionAnswer,
  QuestionRequest,
} from '@seedbed/conversation-protocol';
import { AgentCodexError } from '../agent-codex-error.ts';
import type { HostTokens, ServerRequestDesk } from '../app-server/server-requests/server-request.ts';
import { createSettlementDesk, type SettlementDesk } from './settlement-desk.ts';
import { unfitting } from './unfitting-answer.ts';

/** Answers approvals and questions on the controller's side, beside the clients of the conversation. The first answer wins. */
export interface ConversationHandlers {
  readonly onApproval?: (
    request: ApprovalRequest,
    options: { readonly signal: AbortSignal },
  ) => Promise<ApprovalDecision>;
  readonly onQuestion?: (
    request: QuestionRequest,
    options: { readonly signal: AbortSignal },
  ) => Promise<QuestionAnswer>;
}

export interface SessionDesksOptions {
  readonly handlers: ConversationHandlers;
  /** How long a person has for an answer, in milliseconds. */
  readonly answerMs: number;
  readonly legacyDenial: unknown;
  append(msg: EventMessage): void;
  runningTurn(): string | undefined;
  announcedChanges(itemId: string): readonly FileChange[];
  interrupt(): void;
  /** Where Codex has no login of its own. */
  readonly freshTokens?: (previousAccount: string | undefined) => Promise<HostTokens | undefined>;
}

/** Everything in a conversation that waits for somebody's answer. */
export interface SessionDesks extends Disposable {
  readonly approvals: SettlementDesk<ApprovalRequest, ApprovalDecision>;
  readonly questions: SettlementDesk<QuestionRequest, QuestionAnswer>;
  /** The desk for one request of Codex, known by the id that Codex gave it. */
  forRequest(requestId: number | string): ServerRequestDesk;
  /** Codex no longer waits for the answer to this request. */
  withdrawn(requestId: number | string): void;
}

export function createSessionDesks(options: SessionDesksOptions): SessionDesks {
  const { answerMs, append } = options;
  const approvals = approvalDesk(append, options.handlers);
  const questions = questionDesk(append, options.handlers);
  /** How to withdraw what an open request of Codex became. */
  const open = new Map<number | string, () => void>();
  let count = 0;

  const forRequest = (requestId: number | string): ServerRequestDesk => ({
    legacyDenial: options.legacyDenial,
    now: Date.now,
    announcedChanges: options.announcedChanges,
    interrupt: options.interrupt,
    ...(options.freshTokens === undefined ? {} : { freshTokens: options.freshTokens }),
    async approve(draft) {
      count += 1;
      const approvalId = `approval-${count}`;
      const expiresAt = Date.now() + answerMs;
      open.set(requestId, () => approvals.settle(approvalId, { type: 'abort' }, 'agent'));
      const turnId = draft.turnId ?? options.runningTurn() ?? '';
      const answer = approvals.open(approvalId, { approvalId, ...draft, turnId, expiresAt }, expiresAt);
      return await answer.finally(() => open.delete(requestId));
    },
    async ask({ withinMs = Number.POSITIVE_INFINITY, ...draft }) {
      count += 1;
      const questionId = `question-${count}`;
      const expiresAt = Date.now() + Math.min(answerMs, withinMs);
      open.set(requestId, () => questions.settle(questionId, { type: 'cancel' }, 'agent'));
      const answer = questions.open(questionId, { questionId, ...draft, expiresAt }, expiresAt);
      return await answer.finally(() => open.delete(requestId));
    },
  });

  return {
    approvals,
    questions,
    forRequest,
    withdrawn: (requestId) => open.get(requestId)?.(),
    [Symbol.dispose]() {
      approvals[Symbol.dispose]();
      questions[Symbol.dispose]();
    },
  };
}

type Append = (msg: EventMessage) => void;

function approvalDesk(
  append: Append,
  { onApproval }: ConversationHandlers,
): SettlementDesk<ApprovalRequest, ApprovalDecision> {
  return createSettlementDesk<ApprovalRequest, ApprovalDecision>({
    announce: (approval) => append({ type: 'approval-requested', approval }),
    settled: ({ approvalId }, decision, by) =>
      append({ type: 'approval-resolved', approvalId, decision, by }),
    handlerFailed: ({ approvalId }, error) =>
      append({
        type: 'warning',
        message: `The handler of ${approvalId} failed, so it is denied: ${String(error)}`,
      }),
    ...(onApproval === undefined ? {} : { handler: fittingDecision(onApproval) }),
    refusal: { type: 'deny' },
    now: Date.now,
  });
}

function questionDesk(
  append: Append,
  { onQuestion }: ConversationHandlers,
): SettlementDesk<QuestionRequest, QuestionAnswer> {
  return createSettlementDesk<QuestionRequest, QuestionAnswer>({
    announce: (question) => append({ type: 'question-asked', question }),
    settled: ({ questionId }, answer, by) =>
      append({ type: 'question-answered', questionId, result: resultOf(answer), by }),
    handlerFailed: ({ questionId }, error) =>
      append({
        type: 'warning',
        message: `The handler of ${questionId} failed, so it is declined: ${String(error)}`,
      }),
    ...(onQuestion === undefined ? {} : { handler: fittingAnswer(onQuestion) }),
    refusal: { type: 'decline' },
    now: Date.now,
  });
}

type OnApproval = NonNullable<ConversationHandlers['onApproval']>;
type OnQuestion = NonNullable<ConversationHandlers['onQuestion']>;

function fittingDecision(onApproval: OnApproval): OnApproval {
  return async (request, options) => {
    const decision = await onApproval(request, options);
    if (request.answers.includes(decision.type)) return decision;
    throw new AgentCodexError(
      'invalid-answer',
      `${JSON.stringify(decision)} is not one of: ${request.answers.join(', ')}.`,
    );
  };
}

function fittingAnswer(onQuestion: OnQuestion): OnQuestion {
  return async (request, options) => {
    const answer = await onQuestion(request, options);
    const mismatch = unfitting(request, answer);
    if (mismatch !== undefined) throw new AgentCodexError('invalid-answer', mismatch);
    return answer;
  };
}

function resultOf(answer: QuestionAnswer): 'answered' | 'declined' | 'cancelled' {
  switch (answer.type) {
    case 'decline':
      return 'declined';
    case 'cancel':
      return 'cancelled';
    default:
      return 'answered';
  }
}
