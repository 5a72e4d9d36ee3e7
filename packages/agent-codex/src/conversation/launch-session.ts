import {
  type ApprovalDecision,
  type ApprovalRequest,
  type Controls,
  createEventLog,
  type EventLog,
  type EventMessage,
  type QuestionAnswer,
  type QuestionRequest,
} from '@seedbed/conversation-protocol';
import type { Command, Host } from '@seedbed/host';
import { AgentCodexError } from '../agent-codex-error.ts';
import { type AppServer, openAppServer } from '../app-server/app-server.ts';
import { answerServerRequest } from '../app-server/server-requests/answer-server-request.ts';
import type { ServerRequestDesk } from '../app-server/server-requests/server-request.ts';
import { codexTraits } from '../codex-version.ts';
import type { Deadlines } from './deadlines.ts';
import { openThread, type ThreadSettings } from './open-thread.ts';
import { interrupt } from './operations/running-turn.ts';
import { unfitting } from './perform-operation.ts';
import type { SessionContext } from './session-context.ts';
import { createSessionEvents } from './session-events.ts';
import { createSettlementDesk, type SettlementDesk } from './settlement-desk.ts';
import { createTurnTracker } from './turn-tracker.ts';

/** Answers approvals and questions on the controller's side, beside the clients of the conversation. */
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

export interface LaunchOptions {
  readonly command: Command;
  /** The version that must answer. */
  readonly version: string;
  readonly thread: ThreadSettings;
  readonly turnPolicy: Readonly<Record<string, unknown>>;
  readonly controls: Controls;
  readonly deadlines: Deadlines;
  readonly handlers: ConversationHandlers;
  /** What must hold before the thread is opened; its failure ends the launch. */
  readonly ready: Promise<unknown>;
  readonly signal?: AbortSignal;
}

export interface LaunchedSession {
  readonly context: SessionContext;
  readonly log: EventLog;
}

/** Starts Codex, opens the thread, and wires what Codex says to the conversation's log. */
export async function launchSession(host: Host, options: LaunchOptions): Promise<LaunchedSession> {
  const { deadlines, signal } = options;
  const log = createEventLog();
  let threadId: string | undefined;
  let closed = false;
  const append = (msg: EventMessage, submissionId?: string): void => {
    if (!closed) log.append(msg, submissionId);
  };
  const turns = createTurnTracker(append);
  const approvals = approvalDesk(append, options.handlers);
  const questions = questionDesk(append, options.handlers);
  /** Which approval or question an open request of Codex became. */
  const waiting = new Map<number | string, () => void>();
  const events = createSessionEvents(() => threadId, {
    turns,
    append,
    requestResolved: (requestId) => waiting.get(requestId)?.(),
  });
  let context: SessionContext | undefined;
  let asked = 0;

  function desk(requestId: number | string): ServerRequestDesk {
    return {
      legacyDenial: traits.legacyDenial,
      now: Date.now,
      announcedChanges: events.announcedChanges,
      interrupt: () => context && void interrupt(context, false).catch(() => undefined),
      async approve(draft) {
        asked += 1;
        const approvalId = `approval-${asked}`;
        const expiresAt = Date.now() + deadlines.answerMs;
        waiting.set(requestId, () => approvals.settle(approvalId, { type: 'abort' }, 'agent'));
        const request = { approvalId, turnId: draft.turnId ?? turns.running ?? '', ...draft, expiresAt };
        return await approvals.open(approvalId, request, expiresAt).finally(() => waiting.delete(requestId));
      },
      async ask({ withinMs, ...draft }) {
        asked += 1;
        const questionId = `question-${asked}`;
        const expiresAt = Date.now() + Math.min(deadlines.answerMs, withinMs ?? Number.POSITIVE_INFINITY);
        waiting.set(requestId, () => questions.settle(questionId, { type: 'cancel' }, 'agent'));
        return await questions
          .open(questionId, { questionId, ...draft, expiresAt }, expiresAt)
          .finally(() => waiting.delete(requestId));
      },
    };
  }

  const traits = codexTraits(options.version);
  await using stack = new AsyncDisposableStack();
  const server = stack.use(
    await openAppServer(host, options.command, {
      requestDeadlineMs: deadlines.requestMs,
      startDeadlineMs: deadlines.startMs,
      ...(signal ? { signal } : {}),
      client: {
        onNotification: (method, params) => events.receive(method, params),
        onServerRequest: ({ id, method, params }) => answerServerRequest(method, params, desk(id)),
        onOddity: (message) => append({ type: 'warning', message }),
      },
    }),
  );
  checkVersion(server, options.version);
  await options.ready;
  const thread = await openThread(server, options.thread, signal);
  threadId = thread.threadId;
  const finished = server.gone.then((error) => {
    turns.lose({ code: 'agent-lost', message: error.message });
    approvals[Symbol.dispose]();
    questions[Symbol.dispose]();
    append(
      server.ending
        ? { type: 'closed', reason: 'requested' }
        : { type: 'closed', reason: 'lost', message: error.message },
    );
    closed = true;
    log.close();
  });
  context = {
    server,
    traits,
    threadId,
    turns,
    approvals,
    questions,
    deadlines,
    turnPolicy: options.turnPolicy,
    controls: options.controls,
    uploads: [],
    backgroundProcesses: [],
    append,
    finished,
  };
  append({
    type: 'session-configured',
    threadId,
    agent: `codex ${server.version}`,
    cwd: thread.cwd,
    controls: { ...thread.controls, ...options.controls },
    resumed: options.thread.resume !== undefined,
  });
  stack.move();
  return { context, log };
}

function checkVersion(server: AppServer, expected: string): void {
  if (server.version === expected) return;
  throw new AgentCodexError(
    'wrong-version',
    `The binary is Codex ${server.version}, but ${expected} was asked for.`,
  );
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
    ...(onApproval === undefined ? {} : { handler: onApproval }),
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
    ...(onQuestion === undefined ? {} : { handler: fitting(onQuestion) }),
    refusal: { type: 'decline' },
    now: Date.now,
  });
}

function fitting(
  onQuestion: NonNullable<ConversationHandlers['onQuestion']>,
): NonNullable<ConversationHandlers['onQuestion']> {
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
