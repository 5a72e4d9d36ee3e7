export { AgentCodexError, type AgentCodexErrorCode } from './agent-codex-error.ts';
export type { CodexConversation, GoalOptions, RunOptions, RunResult } from './conversation/conversation.ts';
export type { Deadlines } from './conversation/deadlines.ts';
export type { GoalOutcome } from './conversation/goal-outcome.ts';
export type { CodexModel } from './conversation/operations/models.ts';
export type { RateLimits } from './conversation/operations/rate-limits.ts';
export type {
  ListThreadsOptions,
  ThreadHistory,
  ThreadPage,
  ThreadSummary,
} from './conversation/operations/threads.ts';
export type { OperationResult } from './conversation/perform-operation.ts';
export type { ConversationHandlers } from './conversation/session-desks.ts';
export type { PendingTurn, TurnResult } from './conversation/turn-tracker.ts';
export type { CodexBinary } from './find-codex.ts';
export {
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
} from './open-codex-conversation.ts';
export { type CodexTaskConfig, parseCodexTaskConfig } from './task-config.ts';
export type { CodexLogin } from './task-home/codex-login.ts';
export type { CodexConfig } from './task-home/config-toml.ts';
export type { McpServer } from './task-home/mcp-server.ts';
