export { AgentCodexError, type AgentCodexErrorCode } from './agent-codex-error.ts';
export type { CodexConversation, GoalOptions, RunOptions, RunResult } from './conversation/conversation.ts';
export {
  type CodexBinary,
  type CodexConversationOptions,
  type OpenedCodexConversation,
  openCodexConversation,
} from './open-codex-conversation.ts';
export { type CodexTaskConfig, parseCodexTaskConfig } from './task-config.ts';
