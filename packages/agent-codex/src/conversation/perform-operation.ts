import type { Op } from '@seedbed/conversation-protocol';
import { AgentCodexError } from '../agent-codex-error.ts';
import { endBackgroundProcesses } from './operations/background-processes.ts';
import { clearGoal, setGoal } from './operations/goals.ts';
import { compact, fork, review, rewind } from './operations/history.ts';
import { setControls } from './operations/models.ts';
import { interrupt, steer } from './operations/running-turn.ts';
import { startExternalTurn, startTurn } from './operations/start-turn.ts';
import { archiveThread, renameThread } from './operations/threads.ts';
import { noteUpload } from './operations/uploads.ts';
import type { SessionContext } from './session-context.ts';
import type { PendingTurn } from './turn-tracker.ts';
import { unfitting } from './unfitting-answer.ts';

/** What an operation leads to, beside its events. */
export type OperationResult =
  | { readonly type: 'done' }
  /** A turn has been asked for and accepted. */
  | { readonly type: 'turn'; readonly turn: PendingTurn }
  | { readonly type: 'forked'; readonly threadId: string }
  | { readonly type: 'close' };

const done: OperationResult = { type: 'done' };

/** Does what a submission asks. @throws {AgentCodexError} */
export async function performOperation(
  context: SessionContext,
  op: Op,
  submissionId: string,
): Promise<OperationResult> {
  switch (op.type) {
    case 'user-input': {
      const { type: _, content, ...options } = op;
      return { type: 'turn', turn: await startTurn(context, content, { ...options, submissionId }) };
    }
    case 'external-input':
      return { type: 'turn', turn: await startExternalTurn(context, op.input, submissionId) };
    case 'steer':
      return doneAfter(steer(context, op.content));
    case 'interrupt':
      return doneAfter(interrupt(context, op.keepBackground ?? false));
    case 'answer-approval':
      return answerApproval(context, op);
    case 'answer-question':
      return answerQuestion(context, op);
    case 'set-controls':
      return doneAfter(setControls(context, op.controls, submissionId));
    case 'rewind':
      return doneAfter(rewind(context, op.beforeTurnId, submissionId));
    case 'fork':
      return { type: 'forked', threadId: await fork(context) };
    case 'compact':
      return { type: 'turn', turn: await compact(context, submissionId) };
    case 'review':
      return { type: 'turn', turn: await review(context, op.target, submissionId) };
    case 'set-goal':
      return doneAfter(setGoal(context, op.objective, op.tokenBudget));
    case 'clear-goal':
      return doneAfter(clearGoal(context));
    case 'rename':
      return doneAfter(renameThread(context, op.name));
    case 'archive':
      return doneAfter(archiveThread(context));
    case 'end-background':
      return doneAfter(endBackgroundProcesses(context));
    case 'upload-done':
      return doneAfter(noteUpload(context, op, submissionId));
    case 'close':
      return { type: 'close' };
  }
}

async function doneAfter(work: Promise<unknown>): Promise<OperationResult> {
  await work;
  return done;
}

function answerApproval(
  context: SessionContext,
  op: Extract<Op, { type: 'answer-approval' }>,
): OperationResult {
  const request = context.approvals.pending(op.approvalId);
  if (request === undefined)
    throw new AgentCodexError('not-pending', 'This approval has been settled already, or never was asked.');
  if (!request.answers.includes(op.decision.type)) {
    throw new AgentCodexError(
      'invalid-answer',
      `${op.decision.type} does not fit here; what does: ${request.answers.join(', ')}.`,
    );
  }
  context.approvals.settle(op.approvalId, op.decision, 'client');
  return done;
}

function answerQuestion(
  context: SessionContext,
  op: Extract<Op, { type: 'answer-question' }>,
): OperationResult {
  const request = context.questions.pending(op.questionId);
  if (request === undefined)
    throw new AgentCodexError('not-pending', 'This question has been settled already, or never was asked.');
  const mismatch = unfitting(request, op.answer);
  if (mismatch !== undefined) throw new AgentCodexError('invalid-answer', mismatch);
  context.questions.settle(op.questionId, op.answer, 'client');
  return done;
}
