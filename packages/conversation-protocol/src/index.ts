export type {
  ApprovalAnswer,
  ApprovalDecision,
  ApprovalRequest,
  ApprovalSubject,
  SettledBy,
} from './approval.ts';
export type { ControlChoice, Controls, RateLimitWindow } from './controls.ts';
export {
  ConversationProtocolError,
  type ConversationProtocolErrorCode,
} from './conversation-protocol-error.ts';
export { type ConversationState, initialConversationState, type TurnState } from './conversation-state.ts';
export {
  type BackgroundProcess,
  type ClosedReason,
  type ConversationEvent,
  type EventMessage,
  type EventType,
  parseEvent,
} from './event.ts';
export { createEventLog, type EventLog, type ReadEventsOptions } from './event-log.ts';
export type { Goal, GoalStatus } from './goal.ts';
export type { FileChange, Item, ItemKind, ItemStatus } from './item.ts';
export { endsOfLostSession } from './lost-session.ts';
export type {
  Question,
  QuestionAnswer,
  QuestionOption,
  QuestionRequest,
  QuestionSubject,
} from './question.ts';
export { reduceConversation } from './reduce-conversation.ts';
export { type Op, type OpType, parseSubmission, type ReviewTarget, type Submission } from './submission.ts';
export type { PlanStep, TokenUsage, TurnFailure, TurnFailureCode, TurnOutcome } from './turn.ts';
export type { ExternalInput, UserInput } from './user-input.ts';
