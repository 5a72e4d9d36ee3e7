import { z } from 'zod';
import {
  type ApprovalDecision,
  type ApprovalRequest,
  approvalDecisionSchema,
  approvalRequestSchema,
  type SettledBy,
  settledBySchema,
} from './approval.ts';
import { type Controls, controlsSchema, type RateLimitWindow, rateLimitWindowSchema } from './controls.ts';
import { ConversationProtocolError } from './conversation-protocol-error.ts';
import { type Goal, goalSchema } from './goal.ts';
import { type Item, itemSchema } from './item.ts';
import { type QuestionRequest, questionRequestSchema } from './question.ts';
import {
  type PlanStep,
  planStepSchema,
  type TokenUsage,
  type TurnOutcome,
  tokenUsageSchema,
  turnOutcomeSchema,
} from './turn.ts';

export interface BackgroundProcess {
  readonly processId: string;
  readonly command: string;
}

/** Why a conversation ended. `lost`: the agent's process ended or could not be reached. */
export type ClosedReason = 'requested' | 'lost';

/** What happens in a conversation. */
export type EventMessage =
  | {
      readonly type: 'session-configured';
      readonly threadId: string;
      /** The agent and its exact version: `codex 0.169.0`. */
      readonly agent: string;
      readonly cwd: string;
      readonly controls: Controls;
      /** The thread was there before this session. */
      readonly resumed: boolean;
    }
  /** `origin` says who began it: a submission, the agent by itself (a goal), or something unknown. */
  | { readonly type: 'turn-started'; readonly turnId: string; readonly origin: 'client' | 'agent' }
  | {
      readonly type: 'turn-completed';
      readonly turnId: string;
      readonly outcome: TurnOutcome;
      readonly usage?: TokenUsage;
      readonly durationMs?: number;
    }
  | { readonly type: 'item-started'; readonly turnId: string; readonly item: Item }
  | { readonly type: 'item-updated'; readonly turnId: string; readonly item: Item }
  /** May come after `turn-completed`: a command can outlive its turn. */
  | { readonly type: 'item-completed'; readonly turnId: string; readonly item: Item }
  | {
      readonly type: 'message-delta';
      readonly turnId: string;
      readonly itemId: string;
      readonly text: string;
    }
  /** `part` counts the paragraphs of the summary, or of the content, from 0. */
  | {
      readonly type: 'reasoning-delta';
      readonly turnId: string;
      readonly itemId: string;
      readonly field: 'summary' | 'content';
      readonly part: number;
      readonly text: string;
    }
  | {
      readonly type: 'command-output-delta';
      readonly turnId: string;
      readonly itemId: string;
      readonly text: string;
    }
  | {
      readonly type: 'plan-updated';
      readonly turnId: string;
      readonly explanation?: string;
      readonly steps: readonly PlanStep[];
    }
  /** All changes of the turn so far as one unified diff. */
  | { readonly type: 'diff-updated'; readonly turnId: string; readonly diff: string }
  | { readonly type: 'approval-requested'; readonly approval: ApprovalRequest }
  | {
      readonly type: 'approval-resolved';
      readonly approvalId: string;
      readonly decision: ApprovalDecision;
      readonly by: SettledBy;
    }
  | { readonly type: 'question-asked'; readonly question: QuestionRequest }
  /** Says that it was settled and how, not what was answered: an answer may be a secret. */
  | {
      readonly type: 'question-answered';
      readonly questionId: string;
      readonly result: 'answered' | 'declined' | 'cancelled';
      readonly by: SettledBy;
    }
  | { readonly type: 'controls-changed'; readonly controls: Controls }
  | { readonly type: 'usage-updated'; readonly usage: TokenUsage; readonly contextWindow?: number }
  | {
      readonly type: 'rate-limits-updated';
      readonly windows: readonly RateLimitWindow[];
      readonly reached: boolean;
    }
  | { readonly type: 'goal-updated'; readonly goal: Goal }
  | { readonly type: 'goal-cleared' }
  | { readonly type: 'background-changed'; readonly processes: readonly BackgroundProcess[] }
  | { readonly type: 'rewound'; readonly beforeTurnId: string }
  | { readonly type: 'compacted' }
  | { readonly type: 'renamed'; readonly name: string }
  | { readonly type: 'file-uploaded'; readonly path: string; readonly size: number }
  | { readonly type: 'submission-rejected'; readonly code: string; readonly message: string }
  | { readonly type: 'warning'; readonly message: string }
  /** A failure on the way. With `willRetry` the agent goes on by itself; else the turn's outcome follows. */
  | {
      readonly type: 'error';
      readonly message: string;
      readonly willRetry: boolean;
      readonly turnId?: string;
    }
  /** What the agent said that this protocol has no word for; nothing that it says is dropped. */
  | { readonly type: 'raw'; readonly method: string; readonly params: unknown }
  | { readonly type: 'closed'; readonly reason: ClosedReason; readonly message?: string };

export type EventType = EventMessage['type'];

export interface ConversationEvent {
  /** 1, 2, 3, … without a gap, over the whole life of the conversation's log. */
  readonly seq: number;
  /** Milliseconds since the epoch, on the controller's clock. */
  readonly at: number;
  /** The submission that caused it, where one did. */
  readonly id?: string;
  readonly msg: EventMessage;
}

const turnId = z.string();
const itemId = z.string();
const itemEvent = <T extends 'item-started' | 'item-updated' | 'item-completed'>(type: T) =>
  z.looseObject({ type: z.literal(type), turnId, item: itemSchema });

const eventMessageSchema: z.ZodType<EventMessage> = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('session-configured'),
    threadId: z.string(),
    agent: z.string(),
    cwd: z.string(),
    controls: controlsSchema,
    resumed: z.boolean(),
  }),
  z.looseObject({ type: z.literal('turn-started'), turnId, origin: z.enum(['client', 'agent']) }),
  z.looseObject({
    type: z.literal('turn-completed'),
    turnId,
    outcome: turnOutcomeSchema,
    usage: tokenUsageSchema.exactOptional(),
    durationMs: z.number().exactOptional(),
  }),
  itemEvent('item-started'),
  itemEvent('item-updated'),
  itemEvent('item-completed'),
  z.looseObject({ type: z.literal('message-delta'), turnId, itemId, text: z.string() }),
  z.looseObject({
    type: z.literal('reasoning-delta'),
    turnId,
    itemId,
    field: z.enum(['summary', 'content']),
    part: z.int().nonnegative(),
    text: z.string(),
  }),
  z.looseObject({ type: z.literal('command-output-delta'), turnId, itemId, text: z.string() }),
  z.looseObject({
    type: z.literal('plan-updated'),
    turnId,
    explanation: z.string().exactOptional(),
    steps: z.array(planStepSchema),
  }),
  z.looseObject({ type: z.literal('diff-updated'), turnId, diff: z.string() }),
  z.looseObject({ type: z.literal('approval-requested'), approval: approvalRequestSchema }),
  z.looseObject({
    type: z.literal('approval-resolved'),
    approvalId: z.string(),
    decision: approvalDecisionSchema,
    by: settledBySchema,
  }),
  z.looseObject({ type: z.literal('question-asked'), question: questionRequestSchema }),
  z.looseObject({
    type: z.literal('question-answered'),
    questionId: z.string(),
    result: z.enum(['answered', 'declined', 'cancelled']),
    by: settledBySchema,
  }),
  z.looseObject({ type: z.literal('controls-changed'), controls: controlsSchema }),
  z.looseObject({
    type: z.literal('usage-updated'),
    usage: tokenUsageSchema,
    contextWindow: z.number().exactOptional(),
  }),
  z.looseObject({
    type: z.literal('rate-limits-updated'),
    windows: z.array(rateLimitWindowSchema),
    reached: z.boolean(),
  }),
  z.looseObject({ type: z.literal('goal-updated'), goal: goalSchema }),
  z.looseObject({ type: z.literal('goal-cleared') }),
  z.looseObject({
    type: z.literal('background-changed'),
    processes: z.array(z.looseObject({ processId: z.string(), command: z.string() })),
  }),
  z.looseObject({ type: z.literal('rewound'), beforeTurnId: z.string() }),
  z.looseObject({ type: z.literal('compacted') }),
  z.looseObject({ type: z.literal('renamed'), name: z.string() }),
  z.looseObject({ type: z.literal('file-uploaded'), path: z.string(), size: z.number() }),
  z.looseObject({ type: z.literal('submission-rejected'), code: z.string(), message: z.string() }),
  z.looseObject({ type: z.literal('warning'), message: z.string() }),
  z.looseObject({
    type: z.literal('error'),
    message: z.string(),
    willRetry: z.boolean(),
    turnId: z.string().exactOptional(),
  }),
  z.looseObject({ type: z.literal('raw'), method: z.string(), params: z.unknown() }),
  z.looseObject({
    type: z.literal('closed'),
    reason: z.enum(['requested', 'lost']),
    message: z.string().exactOptional(),
  }),
]);

const eventSchema: z.ZodType<ConversationEvent> = z.looseObject({
  seq: z.int().positive(),
  at: z.number(),
  id: z.string().exactOptional(),
  msg: eventMessageSchema,
});

/**
 * Checks an event that was stored or received. Loose: members that a later version added pass through.
 * @throws {ConversationProtocolError} `invalid-event`.
 */
export function parseEvent(input: unknown): ConversationEvent {
  const result = eventSchema.safeParse(input);
  if (result.success) return result.data;
  throw new ConversationProtocolError('invalid-event', `Not an event: ${z.prettifyError(result.error)}`);
}
