import type { ApprovalRequest } from './approval.ts';
import type { Controls, RateLimitWindow } from './controls.ts';
import type { BackgroundProcess, ClosedReason } from './event.ts';
import type { Goal } from './goal.ts';
import type { Item } from './item.ts';
import type { QuestionRequest } from './question.ts';
import type { PlanStep, TokenUsage, TurnOutcome } from './turn.ts';

export interface TurnState {
  readonly turnId: string;
  readonly origin: 'client' | 'agent';
  /** Absent while it runs. */
  readonly outcome?: TurnOutcome;
  readonly startedAt: number;
  readonly completedAt?: number;
  readonly items: readonly Item[];
  readonly plan?: { readonly explanation?: string; readonly steps: readonly PlanStep[] };
  readonly diff?: string;
  readonly usage?: TokenUsage;
}

/** What a person should see: a fold over the events, and nothing else. */
export interface ConversationState {
  /** The last event that went into it; 0 before the first. */
  readonly lastSeq: number;
  readonly status: 'starting' | 'idle' | 'running' | 'closed';
  readonly threadId?: string;
  readonly agent?: string;
  readonly cwd?: string;
  readonly name?: string;
  readonly resumed: boolean;
  readonly controls: Controls;
  readonly turns: readonly TurnState[];
  readonly pendingApprovals: readonly ApprovalRequest[];
  readonly pendingQuestions: readonly QuestionRequest[];
  readonly backgroundProcesses: readonly BackgroundProcess[];
  readonly usage?: TokenUsage;
  readonly contextWindow?: number;
  readonly rateLimits: readonly RateLimitWindow[];
  /** What the agent works towards, when it has been given a goal. */
  readonly goal: Goal | undefined;
  /** Warnings and errors, newest last, at most 100. */
  readonly notices: readonly {
    readonly level: 'warning' | 'error';
    readonly message: string;
    readonly at: number;
  }[];
  /** How the last session ended, while there is no further one. */
  readonly closed?: { readonly reason: ClosedReason; readonly message?: string } | undefined;
}

export const initialConversationState: ConversationState = {
  lastSeq: 0,
  status: 'starting',
  resumed: false,
  controls: {},
  turns: [],
  pendingApprovals: [],
  pendingQuestions: [],
  backgroundProcesses: [],
  rateLimits: [],
  goal: undefined,
  notices: [],
};
